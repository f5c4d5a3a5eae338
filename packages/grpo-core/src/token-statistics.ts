import type { Tensor2D } from '@tensorflow/tfjs-core';
import { checkTokenBatch, type TokenBatch } from './token-batch.ts';
import {
  type ResolvedTokenObjective,
  resolveTokenObjective,
  type TokenObjective,
} from './token-objective.ts';

/** What a token-level update looks like; means are over active tokens, with sequence ratios over chains. */
export interface TokenStatistics {
  readonly tokens: number;
  readonly ratioMean: number;
  /** Largest |ratio - 1|; 0 on policy. */
  readonly ratioGap: number;
  /** Largest |logp - logp_old|, nats. */
  readonly logProbGap: number;
  /** Share with `ratio < 1 - epsilonLow` and a negative advantage: clipped from below. */
  readonly clipLow: number;
  /** Share with `ratio > 1 + epsilonHigh` (`cispo`: `ratio > epsilonHigh`) and a positive advantage. */
  readonly clipHigh: number;
  /** Both. */
  readonly clipFraction: number;
  /** Smallest `clipLow` and largest `clipHigh` of any chain. */
  readonly clipLowMinimum: number;
  readonly clipHighMaximum: number;
  /** Estimate of KL(policy || reference), nats per token; null without a reference. */
  readonly kl: number | null;
  /** Mean entropy, nats per token; null unless given. */
  readonly entropy: number | null;
}

/**
 * Statistics of what {@link tokenLoss} would do with the same arguments; shares no state with it.
 *
 * @param entropies entropy of the policy at each token, nats: `[chains, tokens]`; those of the batch unless given.
 * @throws GrpoError as {@link tokenLoss} does.
 * @example
 * const { clipFraction, kl } = await tokenStatistics(batch, objective);
 */
export async function tokenStatistics(
  batch: TokenBatch,
  objective: TokenObjective = {},
  entropies: Tensor2D | undefined = batch.entropies,
): Promise<TokenStatistics> {
  const resolved = resolveTokenObjective(objective);
  checkTokenBatch({ ...batch, entropies });
  const rows = await readRows(batch, entropies);
  const ratios = rows.map((row) => ratiosOf(row, resolved));
  const clips = rows.map((row, chain) => clipsOf(row, ratios[chain]!, resolved));
  const all = ratios.flat();
  const low = clips.map((clip) => clip.low);
  const high = clips.map((clip) => clip.high);
  return {
    tokens: rows.reduce((sum, row) => sum + row.active.length, 0),
    ratioMean: mean(all),
    ratioGap: Math.max(...all.map((ratio) => Math.abs(ratio - 1))),
    logProbGap: Math.max(
      ...rows.flatMap((row) => row.active.map((t) => Math.abs(row.logProbs[t]! - row.old[t]!))),
    ),
    clipLow: mean(low.flat()),
    clipHigh: mean(high.flat()),
    clipFraction: mean(low.flat()) + mean(high.flat()),
    clipLowMinimum: Math.min(...low.map(mean)),
    clipHighMaximum: Math.max(...high.map(mean)),
    kl: batch.referenceLogProbs === undefined ? null : meanKl(rows, ratios, resolved),
    entropy:
      entropies === undefined ? null : mean(rows.flatMap((row) => row.active.map((t) => row.entropies[t]!))),
  };
}

interface Row {
  /** Positions of the sampled tokens. */
  readonly active: readonly number[];
  readonly logProbs: Float32Array;
  readonly old: Float32Array;
  readonly reference: Float32Array;
  readonly advantages: Float32Array;
  readonly entropies: Float32Array;
}

async function readRows(batch: TokenBatch, entropies: Tensor2D | undefined): Promise<readonly Row[]> {
  const [chains, tokens] = batch.logProbs.shape;
  const none = new Float32Array(chains * tokens);
  const read = async (tensor?: Tensor2D) =>
    tensor === undefined ? none : ((await tensor.data()) as Float32Array);
  const logProbs = await read(batch.logProbs);
  const old = batch.oldLogProbs === undefined ? logProbs : await read(batch.oldLogProbs);
  const [reference, entropy, mask] = await Promise.all([
    read(batch.referenceLogProbs),
    read(entropies),
    read(batch.mask),
  ]);
  const advantages = (await batch.advantages.data()) as Float32Array;
  const perChain = batch.advantages.rank === 1;
  return Array.from({ length: chains }, (_, chain) => {
    const row = (values: Float32Array) => values.subarray(chain * tokens, (chain + 1) * tokens);
    return {
      active: Array.from(row(mask).keys()).filter((t) => row(mask)[t] !== 0),
      logProbs: row(logProbs),
      old: row(old),
      reference: row(reference),
      advantages: perChain ? new Float32Array(tokens).fill(advantages[chain]!) : row(advantages),
      entropies: row(entropy),
    };
  });
}

function ratiosOf(row: Row, objective: ResolvedTokenObjective): readonly number[] {
  const logs = row.active.map((t) => row.logProbs[t]! - row.old[t]!);
  return objective.ratio === 'token' ? logs.map(Math.exp) : [Math.exp(mean(logs))];
}

function clipsOf(row: Row, ratios: readonly number[], objective: ResolvedTokenObjective) {
  const { aggregation, epsilonLow, epsilonHigh } = objective;
  const top = aggregation === 'cispo' ? epsilonHigh : 1 + epsilonHigh;
  const bottom = aggregation === 'cispo' || aggregation === 'sapo' ? 0 : 1 - epsilonLow;
  const advantage = (at: number) => row.advantages[row.active[at]!]!;
  return {
    low: ratios.map((ratio, at) => (ratio < bottom && advantage(at) < 0 ? 1 : 0)),
    high: ratios.map((ratio, at) => (aggregation !== 'sapo' && ratio > top && advantage(at) > 0 ? 1 : 0)),
  };
}

function meanKl(
  rows: readonly Row[],
  ratios: readonly (readonly number[])[],
  objective: ResolvedTokenObjective,
): number {
  const values = rows.flatMap((row, chain) =>
    row.active.map((t, at) => {
      const d = row.reference[t]! - row.logProbs[t]!;
      const kl = { k1: -d, k2: (d * d) / 2, k3: Math.exp(d) - d - 1 }[objective.kl];
      const weight = objective.klImportance ? (ratios[chain]![at] ?? ratios[chain]![0]!) : 1;
      return kl * weight;
    }),
  );
  return mean(values);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
