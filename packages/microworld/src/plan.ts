import { CELL_NAMES } from './grid.ts';
import { applyOperations, type Operation } from './operation.ts';
import { type Cells, SPOILT } from './scene.ts';
import { EMPTY, findTemplate, TEMPLATES } from './template.ts';

/** What came of reading a plan: its operations, or where it stops making sense. */
export type PlanParse =
  | { readonly ok: true; readonly operations: readonly Operation[] }
  | { readonly ok: false; readonly at: number; readonly problem: string };

/** The operation words. */
export const OPERATION_WORDS: readonly Operation['kind'][] = ['move', 'change', 'put', 'erase'];

/** The word that ends every operation. */
export const STOP = '.';

/**
 * The plan's words: `move ATTRIBUTE NOUN FROM TO .`, `change|put ATTRIBUTE NOUN CELL .`, `erase ATTRIBUTE NOUN CELL .`
 * per operation. `move` and `erase` name what is in the cell at that point of the plan.
 *
 * @example
 * planWords(cells, [{ kind: 'erase', at: 5 }]).join(' '); // 'erase red ball b2 .'
 */
export function planWords(cells: Cells, operations: readonly Operation[]): readonly string[] {
  const words: string[] = [];
  let current = cells;
  for (const operation of operations) {
    words.push(...operationWords(current, operation));
    current = applyOperations(current, [operation]);
  }
  return words;
}

function operationWords(cells: Cells, operation: Operation): readonly string[] {
  if (operation.kind === 'move') {
    const { from, to } = operation;
    return ['move', ...thingWords(cells[from]!), CELL_NAMES[from]!, CELL_NAMES[to]!, STOP];
  }
  const thing = operation.kind === 'erase' ? cells[operation.at]! : operation.thing;
  return [operation.kind, ...thingWords(thing), CELL_NAMES[operation.at]!, STOP];
}

function thingWords(thing: number): readonly string[] {
  const { attribute, noun } = TEMPLATES[thing === SPOILT ? EMPTY : thing]!;
  return [attribute, noun];
}

/** Reads a plan; a plan has at least one operation. `at` is the position of the operation that does not parse. */
export function parsePlan(words: readonly string[]): PlanParse {
  const operations: Operation[] = [];
  let at = 0;
  while (at < words.length) {
    const length = words[at] === 'move' ? 6 : 5;
    const operation = parseOperation(words.slice(at, at + length));
    if (typeof operation === 'string') return { ok: false, at, problem: operation };
    operations.push(operation);
    at += length;
  }
  return at === 0 ? { ok: false, at, problem: 'no operation' } : { ok: true, operations };
}

function parseOperation(words: readonly string[]): Operation | string {
  const [kind, attribute = '', noun = ''] = words;
  if (kind !== 'move' && kind !== 'change' && kind !== 'put' && kind !== 'erase')
    return `${kind} is no operation`;
  const cells = words.slice(3, -1).map((word) => CELL_NAMES.indexOf(word));
  if (words.length !== (kind === 'move' ? 6 : 5) || words.at(-1) !== STOP) return `unfinished ${kind}`;
  const thing = findTemplate(attribute, noun);
  if (thing === undefined) return `no thing is called ${attribute} ${noun}`;
  if (cells.includes(-1)) return `no cell is called ${words[3 + cells.indexOf(-1)]}`;
  if (kind === 'move') return { kind, from: cells[0]!, to: cells[1]! };
  return kind === 'erase' ? { kind, at: cells[0]! } : { kind, at: cells[0]!, thing };
}

/** The plan split into atomic semantic steps, one per operation; empty when it does not parse. */
export function planSteps(words: readonly string[]): readonly string[] {
  if (!parsePlan(words).ok) return [];
  return words
    .join(' ')
    .split(` ${STOP}`)
    .map((step) => step.trim())
    .filter((step) => step !== '');
}
