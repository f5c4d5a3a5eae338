import { ConfigError, type RandomStream } from '@thinkrl/spec';
import { CotSamplerError } from './error.ts';
import { keepLikeliest } from './likeliest-tokens.ts';
import type { SamplingOptions } from './policy.ts';

/** How one token is drawn. */
export interface DrawOptions extends SamplingOptions {
  /** Ids that may be drawn, as a `TokenGrammar` gives them; all unless given. */
  readonly allowed?: readonly number[] | undefined;
}

/** A drawn token and its log-probability, nats. */
export interface DrawnToken {
  readonly token: number;
  /**
   * Under the whole distribution at the temperature, whatever `allowed`, `topK`, `topP` and `minP` cut away, so that
   * scoring the token again gives the same number. At temperature 0 the temperature counts as 1.
   */
  readonly logProb: number;
}

/**
 * Refuses sampling options that mean nothing.
 *
 * @throws ConfigError for a negative temperature, a `topK` that is no positive integer, `topP` outside (0, 1], `minP`
 * outside [0, 1], a `mostTokens` that is no positive integer, an empty word in `stopAfter`.
 */
export function checkSampling(options: SamplingOptions): void {
  const { temperature, topK = 1, topP = 1, minP = 0, mostTokens = 1, stopAfter = [] } = options;
  if (!(temperature >= 0 && temperature < Number.POSITIVE_INFINITY))
    throw new ConfigError({ field: 'temperature', value: temperature, fix: 'use a number of at least 0' });
  if (!Number.isInteger(topK) || topK < 1)
    throw new ConfigError({ field: 'topK', value: topK, fix: 'use a whole number of at least 1' });
  if (!(topP > 0 && topP <= 1))
    throw new ConfigError({ field: 'topP', value: topP, fix: 'use a number above 0 and up to 1' });
  if (!(minP >= 0 && minP <= 1))
    throw new ConfigError({ field: 'minP', value: minP, fix: 'use a number from 0 to 1' });
  if (!Number.isInteger(mostTokens) || mostTokens < 1)
    throw new ConfigError({
      field: 'mostTokens',
      value: mostTokens,
      fix: 'use a whole number of at least 1',
    });
  if (stopAfter.includes(''))
    throw new ConfigError({ field: 'stopAfter', value: stopAfter, fix: 'leave out the empty word' });
}

/**
 * Draws one token from a row of logits: scales by the temperature, keeps the `allowed` tokens, of those the `topK`
 * likeliest, of those the fewest that hold `topP` of the probability, of those the ones at least `minP` times as likely
 * as the likeliest, and draws among what is left. Takes exactly one number from `stream`, none at temperature 0. Ties go
 * to the lower id.
 *
 * @throws ConfigError when nothing is allowed; CotSamplerError for logits with NaN or +Infinity, or all -Infinity.
 * @example
 * sampleToken(Float32Array.of(0, 2, 1), { temperature: 0 }, Key.of(1).stream()).token; // 1
 */
export function sampleToken(logits: Float32Array, options: DrawOptions, stream: RandomStream): DrawnToken {
  const { allowed } = options;
  const temperature = options.temperature || 1;
  const top = likeliest(logits);
  const whole = oddsAgainst(logits, logits[top]!, temperature);
  const logTotal = Math.log(sum(whole));
  if (!Number.isFinite(logTotal)) throw notFinite(logits);
  const best = allowed === undefined ? top : likeliestOf(logits, allowed);
  const odds = allowed === undefined ? whole : only(allowed, oddsAgainst(logits, logits[best]!, temperature));
  if (options.temperature > 0 && isCut(options)) cutTail(odds, options);
  const token = options.temperature === 0 ? best : (drawFrom(odds, stream.uniform()) ?? best);
  return { token, logProb: (logits[token]! - logits[top]!) / temperature - logTotal };
}

function notFinite(logits: Float32Array): CotSamplerError {
  const at = logits.findIndex((value) => !Number.isFinite(value) && value !== Number.NEGATIVE_INFINITY);
  const where =
    at < 0 ? { field: 'logits', found: '-Infinity' } : { field: `logits[${at}]`, found: String(logits[at]) };
  return new CotSamplerError({ ...where, fix: 'no token can be drawn; check the weights of the model' });
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

function likeliestOf(logits: Float32Array, allowed: readonly number[]): number {
  if (allowed.length === 0)
    throw new ConfigError({ field: 'allowed', value: [], fix: 'let the grammar allow a token, or the end' });
  return allowed.reduce((best, id) =>
    logits[id]! > logits[best]! || (logits[id] === logits[best] && id < best) ? id : best,
  );
}

/** The odds of some tokens, all others 0. */
function only(allowed: readonly number[], odds: Float64Array): Float64Array {
  const kept = new Float64Array(odds.length);
  for (const id of allowed) kept[id] = odds[id]!;
  return kept;
}

/** Probability of each token over that of the likeliest. */
function oddsAgainst(logits: Float32Array, largest: number, temperature: number): Float64Array {
  const odds = new Float64Array(logits.length);
  for (let id = 0; id < logits.length; id++) odds[id] = Math.exp((logits[id]! - largest) / temperature);
  return odds;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}

function drawFrom(odds: Float64Array, uniform: number): number | undefined {
  let rest = uniform * sum(odds);
  for (let id = 0; id < odds.length; id++) {
    rest -= odds[id]!;
    if (rest < 0) return id;
  }
  return undefined;
}

function isCut({ topK, topP, minP }: SamplingOptions): boolean {
  return topK !== undefined || (topP !== undefined && topP < 1) || (minP !== undefined && minP > 0);
}

/** Sets the odds of every token that the options cut away to 0. */
function cutTail(odds: Float64Array, { topK, topP = 1, minP = 0 }: SamplingOptions): void {
  if (topK !== undefined) keepLikeliest(odds, { count: topK });
  if (topP < 1) keepLikeliest(odds, { mass: topP * sum(odds) });
  for (let id = 0; id < odds.length; id++) if (odds[id]! < minP) odds[id] = 0;
}
