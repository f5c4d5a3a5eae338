import type { ReplyToken } from './chat.ts';

/** Probability that a token's place gives to the spellings of yes and of no. */
export interface YesMass {
  readonly yes: number;
  readonly no: number;
  /** `yes + no`: what is missing to 1 went to other words. */
  readonly sum: number;
}

/**
 * The mass of yes and no among the alternatives of a token, every spelling added up: upper and lower case, a leading
 * space or its marks in vocabularies, a full stop behind.
 */
export function yesMass({ token, logProb, top }: ReplyToken): YesMass {
  const listed = top.some((other) => other.token === token) ? top : [{ token, logProb }, ...top];
  const mass = { yes: 0, no: 0 };
  for (const other of listed) {
    const word = other.token.replaceAll(/[\s\u2581\u0120.]/g, '').toLowerCase();
    if (word === 'yes' || word === 'no') mass[word] += Math.exp(other.logProb);
  }
  return { ...mass, sum: mass.yes + mass.no };
}
