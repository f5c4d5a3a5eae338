import type { Image, Key, RandomStream } from '@thinkrl/spec';
import { GRID } from '../grid.ts';
import { applyOperations, touchedCells } from '../operation.ts';
import { planWords } from '../plan.ts';
import { fixOperations, reflectionWords } from '../reflection.ts';
import { type Cells, renderScene, SPOILT } from '../scene.ts';
import { type MicroTask, sampleTask } from '../task.ts';
import { encodeWords, SLOTS } from '../vocabulary.ts';
import { type CorpusOptions, corpusOptions } from './corpus-options.ts';
import { faultyEdit } from './faulty-edit.ts';
import { addNoise } from './noise.ts';
import { choosePlan } from './plan-choice.ts';

/** One line of the editor's corpus. */
export interface EditingSample {
  readonly reference: Image;
  /** Instruction, plan or reflection, without `<end>`, padded with `<pad>`: `[20]`. */
  readonly text: Int32Array;
  readonly target: Image;
  /** 1 for the cells in which the target differs from the reference: `[16]`. */
  readonly changed: Uint8Array;
}

/** Share of references with noise, as an editor's own first edits have, and its largest deviation in [0, 1]. */
const ROUGH_SHARE = 0.3;
const ROUGH_NOISE = 0.06;

/** One sample, decided by key and options alone: reference, a text about it, and the picture that the text asks for. */
export function editingSample(key: Key, overrides: Partial<CorpusOptions> = {}): EditingSample {
  return makeSample(key, corpusOptions(overrides));
}

/** `count` samples, `editingSample(key.fold(0))` and on. */
export function editingBatch(
  key: Key,
  count: number,
  overrides: Partial<CorpusOptions> = {},
): readonly EditingSample[] {
  const options = corpusOptions(overrides);
  return Array.from({ length: count }, (_, row) => makeSample(key.fold(row), options));
}

function makeSample(key: Key, options: CorpusOptions): EditingSample {
  const task = sampleTask(key.fold('task'), 'id');
  const stream = key.fold('corpus').stream();
  const kind = stream.uniform();
  const draw = { task, stream, options };
  const bareInstruction = kind < options.reflectionShare + options.instructionShare;
  const sample = kind < options.reflectionShare ? reflectionSample(draw) : planSample(draw, bareInstruction);
  if (stream.uniform() < ROUGH_SHARE) addNoise(sample.reference.data, ROUGH_NOISE * stream.uniform(), stream);
  return sample;
}

interface Draw {
  readonly task: MicroTask;
  readonly stream: RandomStream;
  readonly options: CorpusOptions;
}

function planSample({ task, stream, options }: Draw, bareInstruction: boolean): EditingSample {
  const { cells, background } = task.scene;
  const plan = choosePlan(task, stream, options);
  const target = applyOperations(cells, plan);
  return {
    reference: renderScene(task.scene),
    text: encodeWords(bareInstruction ? task.words : planWords(cells, plan), SLOTS.editorText),
    target: renderScene({ cells: target, background }),
    changed: differing(cells, target),
  };
}

/** A faulty first edit and the reflection that mends it; cells beyond the reflection's reach stay, blurs are cleaned. */
function reflectionSample({ task, stream, options }: Draw): EditingSample {
  const { background } = task.scene;
  const intended = applyOperations(task.scene.cells, choosePlan(task, stream, options));
  const wanted = stream.integer(2) === 0 ? task.truth : intended;
  const count = stream.integer(3);
  let edit = faultyEdit({ reference: task.scene, intended, count }, stream);
  while (fixOperations(edit.cells, wanted).length === 0)
    edit = faultyEdit({ reference: task.scene, intended, count: 2 }, stream);
  const mended = new Set(fixOperations(edit.cells, wanted).flatMap(touchedCells));
  const target = edit.cells.map((id, cell) => (mended.has(cell) || id === SPOILT ? wanted[cell]! : id));
  return {
    reference: edit.image,
    text: encodeWords(reflectionWords(edit.cells, wanted), SLOTS.editorText),
    target: renderScene({ cells: target, background }),
    changed: differing(edit.cells, target),
  };
}

function differing(left: Cells, right: Cells): Uint8Array {
  return Uint8Array.from({ length: GRID.cells }, (_, cell) => Number(left[cell] !== right[cell]));
}
