import { ConfigError, type RandomStream } from '@thinkrl/spec';
import type { SamplingOptions } from './policy.ts';

/** A drawn token and its log-probability, nats. */
export interface DrawnToken {
  readonly token: number;
  /**
   * Under the whole distribution at the temperature, whatever `topK`, `topP` and `minP` cut away, so that scoring the
   * token again gives the same number. At temperature 0 the temperature counts as 1.
   */
  readonly logProb: number;
}

/**
 * Refuses sampling options that mean nothing.
 *
 * @throws ConfigError for a negative temperature, a `topK` that is no positive integer, `topP` outside (0, 1], `minP`
 * outside [0, 1].
 */
export function checkSampling(options: SamplingOptions): void {
  const { temperature, topK = 1, topP = 1, minP = 0 } = options;
  if (!(temperature >= 0 && temperature < Number.POSITIVE_INFINITY))
    throw new ConfigError({ field: 'temperature', value: temperature, fix: 'use a number of at least 0' });
  if (!Number.isInteger(topK) || topK < 1)
    throw new ConfigError({ field: 'topK', value: topK, fix: 'use a whole number of at least 1' });
  if (!(topP > 0 && topP <= 1))
    throw new ConfigError({ field: 'topP', value: topP, fix: 'use a number above 0 and up to 1' });
  if (!(minP >= 0 && minP <= 1))
    throw new ConfigError({ field: 'minP', value: minP, fix: 'use a number from 0 to 1' });
}

/**
 * Draws one token from a row of logits: scales by the temperature, keeps the `topK` likeliest, of those the fewest that
 * hold `topP` of the probability, of those the ones at least `minP` times as likely as the likeliest, and draws among
 * what is left. Takes exactly one number from `stream`, none at temperature 0. Ties go to the lower id.
 *
 * @example
 * sampleToken(Float32Array.of(0, 2, 1), { temperature: 0 }, Key.of(1).stream()).token; // 1
 */
export function sampleToken(
  logits: Float32Array,
  options: SamplingOptions,
  stream: RandomStream,
): DrawnToken {
  const { temperature } = options;
  const logNormaliser = logSumExp(logits, temperature || 1);
  const logProb = (token: number) => logits[token]! / (temperature || 1) - logNormaliser;
  const token = temperature === 0 ? likeliest(logits) : draw(logits, logProb, options, stream.uniform());
  return { token, logProb: logProb(token) };
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

function logSumExp(logits: Float32Array, temperature: number): number {
  const largest = logits[likeliest(logits)]! / temperature;
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += Math.exp(logits[id]! / temperature - largest);
  return largest + Math.log(sum);
}

function draw(
  logits: Float32Array,
  logProb: (token: number) => number,
  options: SamplingOptions,
  uniform: number,
): number {
  const candidates = isCut(options) ? surviving(logits, logProb, options) : null;
  const count = candidates?.length ?? logits.length;
  const at = (index: number) => candidates?.[index] ?? index;
  let total = 0;
  for (let index = 0; index < count; index++) total += Math.exp(logProb(at(index)));
  let rest = uniform * total;
  for (let index = 0; index < count; index++) {
    rest -= Math.exp(logProb(at(index)));
    if (rest < 0) return at(index);
  }
  return candidates?.[0] ?? likeliest(logits);
}

function isCut({ topK, topP, minP }: SamplingOptions): boolean {
  return topK !== undefined || (topP !== undefined && topP < 1) || (minP !== undefined && minP > 0);
}

function surviving(
  logits: Float32Array,
  logProb: (token: number) => number,
  { topK = logits.length, topP = 1, minP = 0 }: SamplingOptions,
): readonly number[] {
  const ranked = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b);
  const likely = ranked.slice(0, topK);
  const mass = likely.reduce((sum, token) => sum + Math.exp(logProb(token)), 0);
  const kept: number[] = [];
  let held = 0;
  for (const token of likely) {
    if (held >= topP * mass) break;
    kept.push(token);
    held += Math.exp(logProb(token));
  }
  const least = logProb(kept[0]!) + Math.log(minP);
  return kept.filter((token) => logProb(token) >= least);
}
