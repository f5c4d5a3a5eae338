/** What a recogniser with connectionist temporal classification gives: a distribution over classes per frame. */
export interface CtcFrames {
  /** Probabilities `[frames, classes]`; class 0 is blank. */
  readonly probabilities: Float32Array;
  readonly frames: number;
  readonly classes: number;
}

const BLANK = 0;
const NEVER = Number.NEGATIVE_INFINITY;

/**
 * Log-likelihood of a text, nats: the sum over every alignment that collapses to it, by the forward recursion of Graves
 * et al. (2006). Minus infinity where the text has too many letters for the frames.
 *
 * @example
 * ctcLogLikelihood({ probabilities, frames: 40, classes: 6625 }, [17, 4, 52]);
 */
export function ctcLogLikelihood(frames: CtcFrames, labels: readonly number[]): number {
  const states = [BLANK, ...labels.flatMap((label) => [label, BLANK])];
  // Before the first frame: nothing yet, as if in the first blank.
  let alpha = Float64Array.from(states, (_, state) => (state === 0 ? 0 : NEVER));
  for (let frame = 0; frame < frames.frames; frame++) alpha = advance(frames, frame, { states, alpha });
  return logSum(alpha.at(-1)!, alpha.at(-2) ?? NEVER);
}

interface Recursion {
  /** A blank before, between and after the letters. */
  readonly states: readonly number[];
  /** Log-likelihood of the frames so far, ended in each state. */
  readonly alpha: Float64Array<ArrayBuffer>;
}

/** One frame on: a state is kept, entered from the one before, or from the letter before across a blank. */
function advance(
  { probabilities, classes }: CtcFrames,
  frame: number,
  { states, alpha }: Recursion,
): Float64Array<ArrayBuffer> {
  return Float64Array.from(states, (label, state) => {
    const across = label !== BLANK && label !== states[state - 2] ? (alpha[state - 2] ?? NEVER) : NEVER;
    const sum = logSum(logSum(alpha[state]!, alpha[state - 1] ?? NEVER), across);
    return sum + Math.log(probabilities[frame * classes + label]!);
  });
}

function logSum(left: number, right: number): number {
  const [low, high] = left < right ? [left, right] : [right, left];
  return low === NEVER ? high : high + Math.log1p(Math.exp(low - high));
}

/** The labels of the likeliest alignment, repeats and blanks taken out. */
export function ctcBestPath({ probabilities, frames, classes }: CtcFrames): readonly number[] {
  const labels: number[] = [];
  let before = BLANK;
  for (let frame = 0; frame < frames; frame++) {
    let best = 0;
    for (let label = 1; label < classes; label++)
      if (probabilities[frame * classes + label]! > probabilities[frame * classes + best]!) best = label;
    if (best !== BLANK && best !== before) labels.push(best);
    before = best;
  }
  return labels;
}
