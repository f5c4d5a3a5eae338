import { ctcBestPath, ctcLogLikelihood } from '@thinkrl/checklist-reward/onnx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** Repeats, then blanks taken out. */
function collapse(path: readonly number[]): readonly number[] {
  return path.filter((label, frame) => label !== 0 && label !== path[frame - 1]);
}

function* paths(frames: number, classes: number): Generator<readonly number[]> {
  for (let code = 0; code < classes ** frames; code++)
    yield Array.from({ length: frames }, (_, frame) => Math.floor(code / classes ** frame) % classes);
}

/** The likelihood of every text by going through all alignments. */
function bruteForce(
  probabilities: Float32Array,
  frames: number,
  classes: number,
): ReadonlyMap<string, number> {
  const likelihoods = new Map<string, number>();
  for (const path of paths(frames, classes)) {
    const chance = path.reduce(
      (product, label, frame) => product * probabilities[frame * classes + label]!,
      1,
    );
    const text = collapse(path).join();
    likelihoods.set(text, (likelihoods.get(text) ?? 0) + chance);
  }
  return likelihoods;
}

const cases = fc
  .record({ frames: fc.integer({ min: 1, max: 6 }), classes: fc.integer({ min: 2, max: 4 }) })
  .chain(({ frames, classes }) =>
    fc.record({
      frames: fc.constant(frames),
      classes: fc.constant(classes),
      weights: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
        minLength: frames * classes,
        maxLength: frames * classes,
      }),
    }),
  );

describe('ctcLogLikelihood', () => {
  it('equals the sum over all alignments, for every text there is', () => {
    fc.assert(
      fc.property(cases, ({ frames, classes, weights }) => {
        const probabilities = Float32Array.from(weights);
        for (const [text, likelihood] of bruteForce(probabilities, frames, classes)) {
          const labels = text === '' ? [] : text.split(',').map(Number);
          const own = Math.exp(ctcLogLikelihood({ probabilities, frames, classes }, labels));
          expect(Math.abs(own - likelihood)).toBeLessThanOrEqual(1e-12 + 1e-9 * likelihood);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is impossible where the text needs more frames than there are', () => {
    const frames = { probabilities: new Float32Array(6).fill(0.5), frames: 3, classes: 2 };
    expect(ctcLogLikelihood(frames, [1, 1])).toBeCloseTo(Math.log(0.125), 12); // 1 blank 1, the only way
    expect(ctcLogLikelihood(frames, [1, 1, 1])).toBe(Number.NEGATIVE_INFINITY);
  });

  it('does not underflow over hundreds of frames', () => {
    const probabilities = new Float32Array(400 * 2).fill(0.01);
    const value = ctcLogLikelihood({ probabilities, frames: 400, classes: 2 }, [1]);
    // 400 frames at 0.01, and 400 * 401 / 2 places for the one run of letters.
    expect(value).toBeCloseTo(400 * Math.log(Math.fround(0.01)) + Math.log(80200), 6);
  });
});

describe('ctcBestPath', () => {
  it('takes repeats and blanks out of the likeliest alignment', () => {
    const path = [0, 2, 2, 0, 2, 1, 1, 0];
    const probabilities = new Float32Array(path.length * 3).fill(0.1);
    path.forEach((label, frame) => {
      probabilities[frame * 3 + label] = 0.8;
    });
    expect(ctcBestPath({ probabilities, frames: path.length, classes: 3 })).toEqual([2, 2, 1]);
  });
});
