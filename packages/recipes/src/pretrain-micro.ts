import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  MicroEditBackbone,
  MicroPolicy,
  type PretrainProgress,
  pretrainEditor,
  pretrainPerception,
  pretrainUnderstander,
  saveMicro,
} from '@thinkrl/backbones/micro';
import { exportOnnx } from '@thinkrl/backbones/micro-onnx';
import { useEngine } from '@thinkrl/engine';
import { makeFolder, writeWhole } from '@thinkrl/orchestrator';
import { ConfigError, Key } from '@thinkrl/spec';
import type { RunControls } from './event.ts';

/** Steps of 32 samples that the shipped weights were made with. */
export const PRETRAIN_STEPS = { understander: 3200, editor: 2400, perception: 6000 } as const;

/** What to pre-train. */
export interface PretrainMicroOptions extends Omit<RunControls, 'signal'> {
  readonly seed: number;
  /** Folder for the weights and the record of how they were made. */
  readonly out: string;
  /** Fewer steps than {@link PRETRAIN_STEPS} give weaker models sooner. */
  readonly steps?: Partial<Record<Part, number>>;
}

type Part = keyof typeof PRETRAIN_STEPS;

/** One line of a learning curve. */
type CurvePoint = Pick<PretrainProgress, 'step' | 'losses'>;

/** Faulty edits are what the perception net is for: half of its corpus has some. */
const PERCEPTION_CORPUS = { spoilShare: 0.5 } as const;

/**
 * Makes the micro pair's starting weights from a seed, on one thread so that the same machine gives the same bytes, and
 * writes them with a record of how they were made.
 *
 * @throws ConfigError for a seed below 0.
 */
export async function pretrainMicro(options: PretrainMicroOptions): Promise<{ readonly weights: string }> {
  const { settings, record } = await begin(options);
  const policy = new MicroPolicy(await pretrainUnderstander(settings('understander')));
  const backbone = new MicroEditBackbone(await pretrainEditor(settings('editor')));
  const weights = join(options.out, 'micro.safetensors');
  await saveMicro(weights, { policy, backbone });
  record('micro', weights, ['understander', 'editor']);
  policy.dispose();
  backbone.dispose();
  return { weights };
}

/**
 * Makes the perception net from a seed and writes it as `perception.onnx`, with a record of how it was made.
 *
 * @throws ConfigError for a seed below 0.
 */
export async function pretrainPerceptionNet(
  options: PretrainMicroOptions,
): Promise<{ readonly weights: string }> {
  const { settings, record } = await begin(options);
  const model = await pretrainPerception({
    ...settings('perception'),
    learningRate: 3e-3,
    corpus: PERCEPTION_CORPUS,
  });
  const weights = join(options.out, 'perception.onnx');
  await exportOnnx(weights, model);
  record('perception', weights, ['perception']);
  model.dispose();
  return { weights };
}

/** What every pre-training starts with: settings of a part, and what writes the record of how a file was made. */
async function begin(options: PretrainMicroOptions) {
  const { seed, out } = options;
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new ConfigError({ field: 'seed', value: seed, fix: 'use a whole number of at least 0' });
  }
  makeFolder(out);
  const tell = options.onEvent ?? (() => {});
  const engine = await useEngine({ threads: 1, onNotice: (text) => tell({ type: 'notice', text }) });
  tell({ type: 'engine', engine });
  const steps = { ...PRETRAIN_STEPS, ...options.steps };
  const curves: Record<Part, CurvePoint[]> = { understander: [], editor: [], perception: [] };
  const settings = (part: Part) => ({
    key: Key.of(seed).fold(part),
    steps: steps[part],
    onProgress: ({ step, losses, seconds }: PretrainProgress) => {
      curves[part].push({ step, losses });
      tell({ type: 'pretraining', part, step, steps: steps[part], losses, seconds });
    },
  });
  const record = (what: string, file: string, parts: readonly Part[]) => {
    const of = <T>(values: Readonly<Record<Part, T>>) =>
      Object.fromEntries(parts.map((part) => [part, values[part]]));
    const text = {
      command: `thinkrl pretrain ${what} --seed ${seed}`,
      seed,
      steps: of(steps),
      engine: `${engine.name} ${engine.version}`,
      sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
      curves: of(curves),
    };
    writeWhole(join(out, `${what}.json`), `${JSON.stringify(text, null, 1)}\n`);
  };
  return { settings, record };
}
