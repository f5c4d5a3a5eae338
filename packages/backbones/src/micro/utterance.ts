import { END, parseReflection, planSteps, VOCABULARY } from '@thinkrl/microworld';
import type { Reflection, Utterance } from '@thinkrl/spec';
import type { DrawnText } from './decoder.ts';

/** A drawn plan as a record: its words, and its steps if it parses. */
export function planUtterance(drawn: DrawnText): Utterance {
  const words = wordsOf(drawn);
  const steps = drawn.ended ? planSteps(words) : [];
  return { ...sampled(drawn), text: words.join(' '), steps, wellFormed: steps.length > 0 };
}

/** A drawn reflection as a record: its words and verdict, and its steps if it parses. */
export function reflectionUtterance(drawn: DrawnText): Reflection {
  const words = wordsOf(drawn);
  const wellFormed = drawn.ended && parseReflection(words).ok;
  const verdict = words[0] === 'fix' ? 'fix' : 'ok';
  const steps = !wellFormed ? [] : verdict === 'ok' ? ['ok'] : planSteps(words.slice(1));
  return { ...sampled(drawn), text: words.join(' '), steps, wellFormed, verdict };
}

function sampled({ tokens, logProbs }: DrawnText): Pick<Utterance, 'tokens' | 'logProbs'> {
  return { tokens: Int32Array.from(tokens), logProbs: Float32Array.from(logProbs) };
}

function wordsOf({ tokens }: DrawnText): readonly string[] {
  return tokens.filter((token) => token !== END).map((token) => VOCABULARY[token]!);
}
