import {
  type CorpusOptions,
  type EditingSample,
  editingBatch,
  type UnderstandingSample,
  understandingBatch,
} from '@thinkrl/microworld';
import { Linear, type ParameterMap } from '@thinkrl/nn';
import { ConfigError, type Key } from '@thinkrl/spec';
import { Editor } from '../editor.ts';
import { PERCEPTION_CLASSES, Perception } from '../perception.ts';
import { EDITOR_SIZE, type MicroSize, UNDERSTANDER_SIZE } from '../size.ts';
import { Understander } from '../understander.ts';
import { unpadded } from '../words.ts';
import { bucketedBatches } from './bucket.ts';
import { editorObjective } from './editor-objective.ts';
import { type FitOptions, fit } from './fit.ts';
import { perceptionObjective } from './perception-objective.ts';
import { understanderObjective } from './understander-objective.ts';

/** Settings of a pre-training; everything random follows from `key`. */
export interface PretrainOptions extends Omit<FitOptions, 'parameters'> {
  /** 32 unless given. */
  readonly batchSize?: number;
  readonly key: Key;
  readonly size?: MicroSize;
  readonly corpus?: Partial<CorpusOptions>;
}

/** Trains a fresh understander on the corpus; returns it with averaged weights. Throws ConfigError on bad settings. */
export async function pretrainUnderstander(options: PretrainOptions): Promise<Understander> {
  const { key, size = UNDERSTANDER_SIZE, batchSize = 32 } = checked(options);
  const model = new Understander(key.fold('model'), size);
  const head = { inputs: size.width, outputs: PERCEPTION_CLASSES, key: key.fold('perception') };
  const perception = new Linear(head);
  const parameters: ParameterMap = new Map([
    ...model.parameters(),
    ...[...perception.parameters()].map(([name, variable]) => [`perception.${name}`, variable] as const),
  ]);
  const batch = bucketedBatches({
    batchSize,
    length: ({ instruction, plan, reflection }: UnderstandingSample) =>
      wordCount(instruction) + wordCount(plan) + wordCount(reflection),
    draw: (samplesKey, count) => understandingBatch(samplesKey, count, options.corpus),
    key: key.fold('data'),
  });
  await fit((step) => understanderObjective(model, perception, batch(step)), { ...options, parameters });
  perception.dispose();
  return model;
}

/** Trains a fresh editor on the corpus; returns it with averaged weights. Throws ConfigError on bad settings. */
export async function pretrainEditor(options: PretrainOptions): Promise<Editor> {
  const { key, size = EDITOR_SIZE, batchSize = 32 } = checked(options);
  const model = new Editor(key.fold('model'), size);
  const batch = bucketedBatches({
    batchSize,
    length: ({ text }: EditingSample) => wordCount(text),
    draw: (samplesKey, count) => editingBatch(samplesKey, count, options.corpus),
    key: key.fold('data'),
  });
  const objective = (step: number) => editorObjective(model, batch(step), key.fold('draws').fold(step));
  await fit(objective, { ...options, parameters: model.parameters() });
  return model;
}

/** Trains a fresh perception net on the corpus; returns it with averaged weights. Throws ConfigError on bad settings. */
export async function pretrainPerception(options: Omit<PretrainOptions, 'size'>): Promise<Perception> {
  const { key, batchSize = 32, corpus } = checked(options);
  const model = new Perception(key.fold('model'));
  const data = key.fold('data');
  const objective = (step: number) =>
    perceptionObjective(model, understandingBatch(data.fold(step), batchSize, corpus));
  await fit(objective, { ...options, parameters: model.parameters() });
  return model;
}

function wordCount(row: Int32Array): number {
  return unpadded(row).length;
}

function checked(options: PretrainOptions): PretrainOptions {
  for (const [field, value] of Object.entries({ steps: options.steps, batchSize: options.batchSize ?? 32 }))
    if (!Number.isInteger(value) || value < 1)
      throw new ConfigError({ field, value, fix: 'use a positive integer' });
  return options;
}
