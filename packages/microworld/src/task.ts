import type { EditTask, Key, RandomStream } from '@thinkrl/spec';
import { Board, pickOne } from './board.ts';
import { type MicroChecklist, makeChecklist } from './checklist.ts';
import { HELD_OUT, TRAINED } from './composition.ts';
import { ImpossibleTaskError } from './error.ts';
import { applyOperations, type Operation, touchedCells } from './operation.ts';
import { BACKGROUNDS } from './palette.ts';
import { planWords } from './plan.ts';
import type { Category, RulePart } from './rule.ts';
import { RULE_NAMES, RULES, type RuleName } from './rules/index.ts';
import { type Cells, renderScene, type Scene, sameCells } from './scene.ts';
import { SLOTS } from './vocabulary.ts';

/** In-domain tasks (single rules and trained compositions) or out-of-domain ones (held-out compositions only). */
export type Split = 'id' | 'ood';

/** A task of the micro-world: what any editor sees, and the truth that only judges and corpora may use. */
export interface MicroTask extends EditTask {
  readonly category: Category;
  readonly checklist: MicroChecklist;
  readonly split: Split;
  /** One rule, or two that are joined with "and". */
  readonly rules: readonly RuleName[];
  /** The instruction word by word. */
  readonly words: readonly string[];
  /** The reference picture's scene. */
  readonly scene: Scene;
  /** What the 16 cells hold when the task is done. */
  readonly truth: Cells;
  readonly rightPlan: readonly Operation[];
  /** At least one; the systematic misconception first. None leads to the truth or leaves the scene as it was. */
  readonly wrongPlans: readonly (readonly Operation[])[];
}

/** Share of in-domain tasks that are compositions. */
const COMPOSITION_SHARE = 0.25;
const MOST_BYSTANDERS = 2;
const ATTEMPTS = 1000;

/**
 * A task, decided by the key alone.
 *
 * @example
 * const task = sampleTask(Key.of(7).fold(0), 'id');
 * console.log(task.instruction, task.checklist.questions.length);
 */
export function sampleTask(key: Key, split: Split): MicroTask {
  const stream = key.stream();
  return findLayout({ key, split, rules: chooseRules(stream, split), stream });
}

/**
 * A task of the given rule, or of two rules, the state rule last.
 *
 * @throws ImpossibleTaskError when the rules do not fit into one scene.
 */
export function ruleTask(key: Key, rules: readonly RuleName[]): MicroTask {
  const heldOut = HELD_OUT.some(({ state, other }) => rules[0] === other && rules[1] === state);
  return findLayout({ key, split: heldOut ? 'ood' : 'id', rules, stream: key.stream() });
}

/** An endless stream of tasks: `sampleTask(key.fold(0), split)`, `sampleTask(key.fold(1), split)`, ... */
export function* taskStream(key: Key, split: Split): Generator<MicroTask, never> {
  for (let index = 0; ; index++) yield sampleTask(key.fold(index), split);
}

/** The first `count` tasks of a stream, for tests and evaluation. */
export function taskList(key: Key, split: Split, count: number): readonly MicroTask[] {
  return Array.from({ length: count }, (_, index) => sampleTask(key.fold(index), split));
}

function chooseRules(stream: RandomStream, split: Split): readonly RuleName[] {
  if (split === 'id' && stream.uniform() >= COMPOSITION_SHARE) return [stream.pick(RULE_NAMES)];
  const { state, other } = stream.pick(split === 'ood' ? HELD_OUT : TRAINED);
  return [other, state];
}

function findLayout(origin: TaskOrigin): MicroTask {
  for (let tries = 0; tries < ATTEMPTS; tries++) {
    const layout = layOut(origin.rules, origin.stream);
    if (layout !== null) return finish(layout, origin);
  }
  throw new ImpossibleTaskError({ rules: origin.rules });
}

interface Layout {
  readonly cells: Cells;
  readonly truth: Cells;
  readonly words: readonly string[];
  readonly rightPlan: readonly Operation[];
  readonly wrongPlans: readonly (readonly Operation[])[];
}

interface TaskOrigin {
  readonly key: Key;
  readonly split: Split;
  readonly rules: readonly RuleName[];
  readonly stream: RandomStream;
}

function finish(layout: Layout, origin: TaskOrigin): MicroTask {
  const { key, split, rules, stream } = origin;
  const scene = { cells: layout.cells, background: stream.integer(BACKGROUNDS.length) };
  return {
    id: `micro-${split}-${key.seed().toString(16).padStart(12, '0')}`,
    references: [renderScene(scene)],
    instruction: layout.words.join(' '),
    category: RULES[rules[0]!].category,
    checklist: makeChecklist(layout.cells, layout.truth, stream),
    split,
    rules,
    words: layout.words,
    scene,
    truth: layout.truth,
    rightPlan: layout.rightPlan,
    wrongPlans: layout.wrongPlans,
  };
}

function layOut(rules: readonly RuleName[], stream: RandomStream): Layout | null {
  const board = new Board();
  const parts: RulePart[] = [];
  for (const name of rules) {
    const part = RULES[name].build(board, stream);
    if (part === null) return null;
    board.reserve([...part.right, ...part.wrong.flat()].flatMap(touchedCells));
    parts.push(part);
  }
  if (!rules.some((name) => RULES[name].alone)) addBystanders(board, stream);
  const { cells } = board;
  const words = parts.flatMap((part, index) =>
    index === 0 ? part.instruction : ['and', ...part.instruction],
  );
  const rightPlan = parts.flatMap((part) => part.right);
  const truth = applyOperations(cells, rightPlan);
  const wrongPlans = distinctPlans(wrongPlansOf(parts, stream), cells, truth);
  const fits = words.length < SLOTS.instruction && planWords(cells, rightPlan).length < SLOTS.plan;
  return fits && wrongPlans.length > 0 ? { cells, truth, words, rightPlan, wrongPlans } : null;
}

function addBystanders(board: Board, stream: RandomStream): void {
  const count = stream.integer(MOST_BYSTANDERS + 1);
  for (let i = 0; i < count; i++) {
    const cell = pickOne(board.freeCells(), stream);
    const thing = board.newShape(stream);
    if (cell !== undefined && thing !== undefined) board.place(cell, thing);
  }
}

/** Wrong plans of the parts; of two parts one is wrong, a random one first, or both. */
function wrongPlansOf(parts: readonly RulePart[], stream: RandomStream): readonly (readonly Operation[])[] {
  const [first, second] = parts;
  if (second === undefined) return first!.wrong;
  const firstWrong = first!.wrong.map((wrong) => [...wrong, ...second.right]);
  const secondWrong = second.wrong.map((wrong) => [...first!.right, ...wrong]);
  const both = [...first!.wrong[0]!, ...second.wrong[0]!];
  const ordered = stream.integer(2) === 0 ? [firstWrong, secondWrong] : [secondWrong, firstWrong];
  return [...ordered.flat(), both];
}

/** Plans that fit the slots and lead neither to the truth nor to the scene as it was, one for each outcome. */
function distinctPlans(
  plans: readonly (readonly Operation[])[],
  cells: Cells,
  truth: Cells,
): readonly (readonly Operation[])[] {
  const outcomes: Cells[] = [truth, cells];
  return plans.filter((plan) => {
    const outcome = applyOperations(cells, plan);
    if (outcomes.some((seen) => sameCells(seen, outcome))) return false;
    if (planWords(cells, plan).length >= SLOTS.plan) return false;
    outcomes.push(outcome);
    return true;
  });
}
