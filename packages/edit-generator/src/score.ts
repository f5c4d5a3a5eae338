import * as tf from '@tensorflow/tfjs-core';
import type { Edit, Trajectory } from '@thinkrl/spec';
import type { Conditioning, EditBackbone } from './backbone.ts';
import { EditGeneratorError } from './error.ts';
import { checkSigmas } from './sigmas.ts';
import { stochasticStep, transitionLogProb, transitionMean } from './transition.ts';

/** Stored edits to score again. */
export interface ScoreRequest<C extends Conditioning = Conditioning> {
  readonly backbone: EditBackbone<C>;
  /** Edits of one schedule, one latent shape and one way of drawing. */
  readonly edits: readonly Edit[];
  /** Stochastic steps to score; all edits must have drawn them. */
  readonly steps: readonly number[];
}

/** One stochastic step of a batch of edits under the present weights; what `flowLoss` of grpo-core takes. */
export interface ScoredTransition {
  /** Which step of the schedule. */
  readonly step: number;
  /** Log-probability of the stored transition, mean over latent elements: `[edits]`. */
  readonly logProb: tf.Tensor1D;
  /** Mean of the transition: `[edits, ...latent]`. */
  readonly mean: tf.Tensor;
  /** Noise level as the process is written (method section 5). */
  readonly std: number;
  /** Standard deviation of the transition. */
  readonly deviation: number;
  /** Length of the step in sigma, negative. */
  readonly dt: number;
}

/** Stored transitions laid out on the device once, to be scored as often as the weights change. */
export interface TransitionBatch {
  /**
   * Every stochastic step under the backbone's present weights; differentiable by its parameters. Conditions are
   * encoded once for all steps.
   */
  score(): readonly ScoredTransition[];
  /** Frees the stored latents; results of {@link score} are the caller's. */
  dispose(): void;
}

/**
 * Lays stored transitions out for scoring: each noise level they touch is stacked and uploaded once. With the weights
 * that sampled them the log-probabilities are those stored, so that the ratio is 1.
 *
 * @throws EditGeneratorError when there is nothing to score or the trajectories do not belong together.
 * @example
 * const batch = prepareTransitions({ backbone, edits, steps: [1] });
 * const reference = tf.tidy(() => snapshot.during(() => batch.score()[0]!.mean));
 * const loss = () => flowLoss({ ...batch.score()[0]!, advantages });
 * batch.dispose();
 */
export function prepareTransitions<C extends Conditioning>(request: ScoreRequest<C>): TransitionBatch {
  checkRequest(request);
  const { edits, steps } = request;
  const levels = new Set(steps.flatMap((step) => [step, step + 1]));
  const states = new Map([...levels].map((level) => [level, tf.keep(stackStates(edits, level))]));
  return {
    score: () => scoreStates(request, states),
    dispose: () => tf.dispose([...states.values()]),
  };
}

/**
 * {@link prepareTransitions} for a single scoring.
 *
 * @throws EditGeneratorError when there is nothing to score or the trajectories do not belong together.
 * @example
 * const [scored] = scoreTransitions({ backbone, edits, steps: [1] });
 * const loss = flowLoss({ ...scored!, advantages });
 */
export function scoreTransitions<C extends Conditioning>(
  request: ScoreRequest<C>,
): readonly ScoredTransition[] {
  const batch = prepareTransitions(request);
  try {
    return batch.score();
  } finally {
    batch.dispose();
  }
}

/** Scores every step, given the latents `[edits, ...latent]` of each noise level it touches. */
function scoreStates<C extends Conditioning>(
  { backbone, edits, steps }: ScoreRequest<C>,
  states: ReadonlyMap<number, tf.Tensor>,
): readonly ScoredTransition[] {
  const { sigmas, transition } = edits[0]!.trajectory;
  const rule = transition!;
  return tf.tidy(() => {
    const conditioning = backbone.encode(edits.map((edit) => edit.condition));
    const scored = steps.map((step): ScoredTransition => {
      const levels = { sigma: sigmas[step]!, next: sigmas[step + 1]!, second: sigmas[1]! };
      const coefficients = stochasticStep(levels, rule);
      const [from, to] = [states.get(step)!, states.get(step + 1)!];
      const mean = transitionMean(coefficients, from, backbone.velocity(from, levels.sigma, conditioning));
      const logProb = transitionLogProb(coefficients, rule.kind, { mean, to });
      const { std, deviation, dt } = coefficients;
      return { step, logProb, mean, std, deviation, dt };
    });
    return scored as ScoredTransition[] & tf.TensorContainer;
  });
}

/** The stored latents of all edits at one noise level: `[edits, ...latent]`. */
export function stackStates(edits: readonly Edit[], level: number): tf.Tensor {
  const { shape } = edits[0]!.trajectory;
  const size = shape.reduce((product, length) => product * length, 1);
  const data = new Float32Array(edits.length * size);
  edits.forEach((edit, row) => {
    data.set(edit.trajectory.states[level]!, row * size);
  });
  return tf.tensor(data, [edits.length, ...shape]);
}

function checkRequest({ edits, steps }: Pick<ScoreRequest, 'edits' | 'steps'>): void {
  for (const [field, list] of Object.entries({ edits, steps }))
    if (list.length === 0)
      throw new EditGeneratorError('EDIT_EMPTY', { field, found: [], fix: 'there is nothing to score' });
  const first = edits[0]!.trajectory;
  checkSigmas(first.sigmas);
  edits.forEach((edit, i) => {
    checkTrajectory(edit.trajectory, `edits[${i}].trajectory`);
    checkMatch(edit.trajectory, first, `edits[${i}].trajectory`);
    steps.forEach((step, at) => {
      if (!edit.trajectory.stochastic.includes(step))
        throw mismatch(`steps[${at}]`, step, `edits[${i}] drew steps ${edit.trajectory.stochastic} only`);
    });
  });
}

function checkTrajectory(
  { sigmas, shape, states, stochastic, logProbs, transition }: Trajectory,
  field: string,
): void {
  if (transition === undefined)
    throw mismatch(`${field}.transition`, undefined, 'it has no stochastic steps');
  if (states.length !== sigmas.length)
    throw mismatch(`${field}.states`, states.length, `keep one state per noise level, ${sigmas.length}`);
  if (logProbs.length !== stochastic.length)
    throw mismatch(
      `${field}.logProbs`,
      logProbs.length,
      `keep one per stochastic step, ${stochastic.length}`,
    );
  const size = shape.reduce((product, length) => product * length, 1);
  const at = states.findIndex((state) => state.length !== size);
  if (at >= 0)
    throw mismatch(`${field}.states[${at}]`, states[at]!.length, `keep ${size} numbers, shape [${shape}]`);
  const broken = logProbs.findIndex((logProb) => !Number.isFinite(logProb));
  if (broken >= 0)
    throw new EditGeneratorError('EDIT_NOT_FINITE', {
      field: `${field}.logProbs[${broken}]`,
      found: String(logProbs[broken]),
      fix: 'leave out edits whose sampling was not finite',
    });
}

function checkMatch(trajectory: Trajectory, first: Trajectory, field: string): void {
  const fix = 'score edits of one schedule, shape and way of drawing together';
  if (!tf.util.arraysEqual([...trajectory.sigmas], [...first.sigmas]))
    throw mismatch(`${field}.sigmas`, trajectory.sigmas, fix);
  if (!tf.util.arraysEqual([...trajectory.shape], [...first.shape]))
    throw mismatch(`${field}.shape`, trajectory.shape, fix);
  const [mine, theirs] = [trajectory.transition!, first.transition!];
  if (mine.kind !== theirs.kind || mine.eta !== theirs.eta) throw mismatch(`${field}.transition`, mine, fix);
}

function mismatch(field: string, found: unknown, fix: string): EditGeneratorError {
  return new EditGeneratorError('EDIT_TRAJECTORY', { field, found, fix });
}
