import type { Rewards } from '../src/index.ts';

/** Conditions on the chains that are tried. */
interface Conditions {
  readonly duplicates?: 'all' | 'one';
  readonly lead?: number;
  readonly leadTolerance?: number;
}

/** The longest chain by trying every subset: longest, then greatest spread of sums, then lowest sorted indices. */
export function bruteForceChain(rewards: Rewards, conditions: Conditions = {}): readonly number[] {
  const { duplicates = 'all', lead, leadTolerance = 1 } = conditions;
  const judged = rewards.flatMap((row, index) => (row ? [index] : []));
  const row = (at: number) => rewards[judged[at]!]!;
  const sum = (at: number) => row(at).reduce((total, value) => total + value, 0);
  const below = (i: number, j: number) => row(i).every((value, k) => value <= row(j)[k]!);
  const fits = (i: number, j: number) =>
    duplicates === 'all' ? below(i, j) || below(j, i) : below(i, j) !== below(j, i);
  const allowed = judged.map((_, i) =>
    judged.reduce((mask, _j, j) => (i === j || fits(i, j) ? mask | (1 << j) : mask), 0),
  );
  const better = (i: number) => judged.filter((_, j) => row(j)[lead!]! > row(i)[lead!]!).length;
  const mayTop = (i: number) => lead === undefined || better(i) <= leadTolerance * judged.length;
  let best: readonly number[] = [];
  let bestSpread = -1;
  for (let subset = 1; subset < 1 << judged.length; subset++) {
    const members = judged.flatMap((_, i) => (subset & (1 << i) ? [i] : []));
    if (members.length < best.length) continue;
    if (members.some((i) => (subset & ~allowed[i]!) !== 0)) continue;
    if (!members.some((i) => mayTop(i) && members.every((j) => below(j, i)))) continue;
    const sums = members.map(sum);
    const spread = Math.max(...sums) - Math.min(...sums);
    const indices = members.map((i) => judged[i]!);
    const longer = indices.length > best.length;
    if (longer || spread > bestSpread || (spread === bestSpread && lower(indices, best))) {
      best = indices;
      bestSpread = spread;
    }
  }
  return best;
}

function lower(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at >= 0 && a[at]! < b[at]!;
}
