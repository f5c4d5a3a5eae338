import { ConfigError } from '@thinkrl/spec';
import type { TokenMean } from './aggregation.ts';
import { checkName } from './check-name.ts';
import type { KlEstimator } from './divergence.ts';
import type { RatioLevel } from './ratio.ts';
import type { GateTemperatures } from './surrogate.ts';

/** What the token-level loss is; see {@link tokenLoss}. */
export interface TokenObjective {
  /**
   * The loss by the name the field gives it. `grpo`, `bnpo`, `dr_grpo` and `dapo` share the clipped surrogate and
   * differ in the mean ({@link TokenMean}); `cispo` is {@link cappedReinforce} averaged as `dapo`; `sapo` is
   * {@link softGatedSurrogate} averaged as `grpo`.
   * @defaultValue 'dapo'
   */
  readonly aggregation?: TokenMean | 'cispo' | 'sapo';
  /** @defaultValue 'token' */
  readonly ratio?: RatioLevel;
  /** @defaultValue 0.2 */
  readonly epsilonLow?: number;
  /**
   * Above `epsilonLow` for clip-higher (DAPO, arXiv 2503.14476). With `cispo` it is the cap on the ratio itself.
   * @defaultValue 0.2; 5 with `cispo`
   */
  readonly epsilonHigh?: number;
  /** Cap on the ratio of the unclipped term; none unless given. */
  readonly delta?: number;
  /**
   * Weight of the KL to the reference.
   * @defaultValue 0
   */
  readonly beta?: number;
  /** @defaultValue 'k3' */
  readonly kl?: KlEstimator;
  /**
   * Multiplies the KL by the ratio, which makes its gradient unbiased off policy (DeepSeek-V3.2).
   * @defaultValue false
   */
  readonly klImportance?: boolean;
  /**
   * Weight of an entropy bonus: so much of each token's entropy is taken off the loss. Needs `entropies` in the batch.
   * @defaultValue 0
   */
  readonly entropyWeight?: number;
  /** @defaultValue positive 1, negative 1.05 */
  readonly gateTemperatures?: GateTemperatures;
  /** Chains to divide by instead of those in the batch. `grpo`, `dr_grpo`, `sapo`. */
  readonly chains?: number;
  /** Active tokens of the whole optimiser step, per process, instead of those in the batch. `dapo`, `cispo`. */
  readonly activeTokens?: number;
  /** Longest chain that could have been sampled; the width of the batch unless given. `dr_grpo`. */
  readonly maximumTokens?: number;
  /**
   * Batches whose gradients are added up before a step: divides all but `dapo` and `cispo`, whose `activeTokens`
   * already spans them.
   * @defaultValue 1
   */
  readonly accumulationSteps?: number;
}

/** {@link TokenObjective} with every default filled in. */
export type ResolvedTokenObjective = Required<
  Omit<TokenObjective, 'delta' | 'chains' | 'activeTokens' | 'maximumTokens'>
> &
  Pick<TokenObjective, 'delta' | 'chains' | 'activeTokens' | 'maximumTokens'>;

/**
 * Fills in defaults and checks the numbers.
 *
 * @throws ConfigError naming the field.
 */
export function resolveTokenObjective(objective: TokenObjective): ResolvedTokenObjective {
  const resolved: ResolvedTokenObjective = {
    aggregation: 'dapo',
    ratio: 'token',
    epsilonLow: 0.2,
    epsilonHigh: objective.aggregation === 'cispo' ? 5 : 0.2,
    beta: 0,
    kl: 'k3',
    klImportance: false,
    entropyWeight: 0,
    gateTemperatures: { positive: 1, negative: 1.05 },
    accumulationSteps: 1,
    ...objective,
  };
  checkName('aggregation', resolved.aggregation, ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo', 'sapo']);
  checkName('ratio', resolved.ratio, ['token', 'sequence']);
  checkName('kl', resolved.kl, ['k1', 'k2', 'k3']);
  for (const field of ['epsilonLow', 'epsilonHigh', 'beta', 'entropyWeight'] as const)
    if (!(resolved[field] >= 0 && resolved[field] < Number.POSITIVE_INFINITY))
      throw new ConfigError({ field, value: resolved[field], fix: 'use a number of at least 0' });
  for (const sign of ['positive', 'negative'] as const)
    if (!(resolved.gateTemperatures[sign] > 0))
      throw new ConfigError({
        field: `gateTemperatures.${sign}`,
        value: resolved.gateTemperatures[sign],
        fix: 'use more than 0',
      });
  for (const field of ['chains', 'activeTokens', 'maximumTokens', 'accumulationSteps', 'delta'] as const) {
    const value = resolved[field];
    if (value !== undefined && !(value > 0)) throw new ConfigError({ field, value, fix: 'use more than 0' });
  }
  if (resolved.delta !== undefined && resolved.delta <= 1 + resolved.epsilonHigh)
    throw new ConfigError({
      field: 'delta',
      value: resolved.delta,
      fix: `use more than 1 + epsilonHigh = ${1 + resolved.epsilonHigh}; below it the upper clip never acts`,
    });
  return resolved;
}
