import type { Image, Key, RandomStream } from '@thinkrl/spec';
import { GRID } from '../grid.ts';
import { applyOperations, type Operation } from '../operation.ts';
import { planWords } from '../plan.ts';
import { reflectionWords } from '../reflection.ts';
import { type Cells, SPOILT } from '../scene.ts';
import { type MicroTask, sampleTask } from '../task.ts';
import { TEMPLATES } from '../template.ts';
import { encodeWords, SLOTS } from '../vocabulary.ts';
import { type CorpusOptions, corpusOptions } from './corpus-options.ts';
import { faultyEdit } from './faulty-edit.ts';
import { addNoise } from './noise.ts';
import { choosePlan } from './plan-choice.ts';

/** The label of a cell in which no template can be recognised; labels below it are template ids. */
export const SPOILT_LABEL = TEMPLATES.length;

/** One line of the understanding module's corpus. Texts are word ids padded with `<pad>`. */
export interface UnderstandingSample {
  /** Holds the reference picture. */
  readonly task: MicroTask;
  /** The picture that the reflection looks at. */
  readonly edited: Image;
  /** `[20]` */
  readonly instruction: Int32Array;
  /** The plan and `<end>`: `[18]`. */
  readonly plan: Int32Array;
  /** The reflection and `<end>`: `[14]`. */
  readonly reflection: Int32Array;
  /** 1 where the plan is to be learned, 0 where it is only there to be reflected on. */
  readonly planWeight: 0 | 1;
  /** What each cell of the reference and then of the edited picture shows; {@link SPOILT_LABEL} for nothing: `[32]`. */
  readonly cellLabels: Int32Array;
}

/** Largest deviation of the noise on the edited picture, on the [0, 1] scale. */
const EDIT_NOISE = 0.04;

/**
 * One sample, decided by key and options alone: a task, a plan as the corpus has it, an edit by that plan that may be
 * faulty, a reflection on the edit.
 *
 * @example
 * const sample = understandingSample(Key.of(7).fold(step).fold(row));
 */
export function understandingSample(key: Key, overrides: Partial<CorpusOptions> = {}): UnderstandingSample {
  return makeSample(key, corpusOptions(overrides));
}

/** `count` samples, `understandingSample(key.fold(0))` and on. */
export function understandingBatch(
  key: Key,
  count: number,
  overrides: Partial<CorpusOptions> = {},
): readonly UnderstandingSample[] {
  const options = corpusOptions(overrides);
  return Array.from({ length: count }, (_, row) => makeSample(key.fold(row), options));
}

function makeSample(key: Key, options: CorpusOptions): UnderstandingSample {
  const task = sampleTask(key.fold('task'), 'id');
  const stream = key.fold('corpus').stream();
  const demonstration = stream.uniform() < options.demonstrationShare;
  const plan = demonstration ? task.rightPlan : choosePlan(task, stream, options);
  const intended = applyOperations(task.scene.cells, plan);
  const count = faultCount(stream, options);
  const { image, cells } = faultyEdit({ reference: task.scene, intended, count }, stream);
  addNoise(image.data, EDIT_NOISE * stream.uniform(), stream);
  const wanted = stream.uniform() < options.reflectRight ? task.truth : intended;
  return {
    task,
    edited: image,
    instruction: encodeWords(task.words, SLOTS.instruction),
    plan: encodePlan(task, plan),
    reflection: encodeWords([...reflectionWords(cells, wanted), '<end>'], SLOTS.reflection),
    planWeight: demonstration ? 0 : 1,
    cellLabels: labels(task.scene.cells, cells),
  };
}

/** None, or one twice as often as two. */
function faultCount(stream: RandomStream, options: CorpusOptions): number {
  if (stream.uniform() >= options.spoilShare) return 0;
  return stream.integer(3) === 0 ? 2 : 1;
}

function encodePlan(task: MicroTask, plan: readonly Operation[]): Int32Array {
  return encodeWords([...planWords(task.scene.cells, plan), '<end>'], SLOTS.plan);
}

function labels(reference: Cells, edited: Cells): Int32Array {
  const row = new Int32Array(2 * GRID.cells);
  [...reference, ...edited].forEach((id, index) => {
    row[index] = id === SPOILT ? SPOILT_LABEL : id;
  });
  return row;
}
