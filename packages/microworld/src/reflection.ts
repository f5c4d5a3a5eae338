import type { Operation } from './operation.ts';
import { parsePlan, planWords } from './plan.ts';
import { type Cells, changedCells } from './scene.ts';
import { EMPTY } from './template.ts';

/** Most operations that a reflection can ask for. */
const FIX_LIMIT = 2;

/** What came of reading a reflection. */
export type ReflectionParse =
  | { readonly ok: true; readonly verdict: 'ok' }
  | { readonly ok: true; readonly verdict: 'fix'; readonly operations: readonly Operation[] }
  | { readonly ok: false; readonly problem: string };

/** What would turn `current` into `wanted`, cell by cell, at most {@link FIX_LIMIT} operations. */
export function fixOperations(current: Cells, wanted: Cells): readonly Operation[] {
  return changedCells(current, wanted)
    .slice(0, FIX_LIMIT)
    .map((at) => {
      const thing = wanted[at]!;
      return thing === EMPTY ? { kind: 'erase', at } : { kind: 'put', at, thing };
    });
}

/**
 * The words of a reflection on a picture that shows `current` where `wanted` was asked for: `ok`, or `fix` and one or
 * two `put` or `erase` operations on that picture. A spoilt cell is called `empty cell`.
 */
export function reflectionWords(current: Cells, wanted: Cells): readonly string[] {
  const operations = fixOperations(current, wanted);
  return operations.length === 0 ? ['ok'] : ['fix', ...planWords(current, operations)];
}

/** Reads a reflection: `ok` alone, or `fix` with one or two `put` or `erase` operations. */
export function parseReflection(words: readonly string[]): ReflectionParse {
  const [verdict, ...rest] = words;
  if (verdict === 'ok')
    return rest.length === 0 ? { ok: true, verdict } : { ok: false, problem: 'words after ok' };
  if (verdict !== 'fix') return { ok: false, problem: `${verdict} is neither ok nor fix` };
  const plan = parsePlan(rest);
  if (!plan.ok) return { ok: false, problem: plan.problem };
  const { operations } = plan;
  if (operations.length > FIX_LIMIT) return { ok: false, problem: `${operations.length} operations` };
  const stray = operations.find(({ kind }) => kind !== 'put' && kind !== 'erase');
  return stray === undefined
    ? { ok: true, verdict, operations }
    : { ok: false, problem: `fix cannot ${stray.kind}` };
}
