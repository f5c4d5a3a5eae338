import * as tf from '@tensorflow/tfjs-core';
import { keyedNormal } from '@thinkrl/nn';
import {
  ConfigError,
  type Edit,
  type EditCondition,
  type Image,
  type Key,
  type TransitionRule,
} from '@thinkrl/spec';
import type { Conditioning, EditBackbone, ImageCodec } from './backbone.ts';
import { type DenoisedStep, type Denoising, deterministicMove, stochasticMove } from './denoise.ts';
import { EditGeneratorError } from './error.ts';
import { type Schedule, type Sigmas, uniformSigmas } from './schedule.ts';
import { checkSigmas } from './sigmas.ts';
import { checkRule } from './transition.ts';
import { allButLast } from './window.ts';

/** What an edit sampler is made of. */
export interface EditSamplerOptions<C extends Conditioning = Conditioning> {
  readonly backbone: EditBackbone<C>;
  readonly codec: ImageCodec;
  /** Denoising steps at evenly spaced noise levels; or give a `schedule`. */
  readonly steps?: number;
  /** Noise levels for a latent whose `tokens` are all its positions but the last axis. */
  readonly schedule?: Schedule;
  /**
   * Noise level of stochastic steps.
   * @defaultValue 0.7
   */
  readonly eta?: number;
  /** @defaultValue 'sde' */
  readonly transition?: TransitionRule['kind'];
  /**
   * Solver of deterministic steps.
   * @defaultValue 'euler'
   */
  readonly solver?: 'euler' | 'heun';
}

/** One batch of edits to sample. */
export interface SampleOptions {
  /** One key per condition: initial latent and noise of an edit depend on its own key alone. */
  readonly keys: readonly Key[];
  /** Steps drawn by the SDE: a list, `true` for all but the last, `false` for none. The last step never is. */
  readonly stochastic: boolean | readonly number[];
  /** Gives the batch up between two steps: it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Samples edits by flow matching (method section 5). */
export interface EditSampler {
  /**
   * One edit per condition, with its trajectory.
   *
   * @throws EditGeneratorError for an empty batch, latents of different shapes, a window outside the schedule, or a
   * backbone that gives numbers that are not finite.
   */
  sample(conditions: readonly EditCondition[], options: SampleOptions): Promise<readonly Edit[]>;
}

/**
 * Builds a sampler. Conditions are encoded once per batch and reused by every step; latents stay on the device until
 * the end. With no stochastic steps, or `eta` 0, it is the ODE.
 *
 * @throws ConfigError for steps, noise level or solver that cannot work.
 * @example
 * const sampler = createEditSampler({ backbone, codec, steps: 6, eta: 0.7 });
 * const edits = await sampler.sample(conditions, { keys: Key.of(7).split(conditions.length), stochastic: [1, 2] });
 */
export function createEditSampler<C extends Conditioning>(options: EditSamplerOptions<C>): EditSampler {
  const { backbone, codec, eta = 0.7, transition = 'sde', solver = 'euler' } = options;
  const rule: TransitionRule = { kind: transition, eta };
  checkRule(rule);
  if (solver !== 'euler' && solver !== 'heun')
    throw new ConfigError({ field: 'solver', value: solver, fix: 'use "euler" or "heun"' });
  const schedule = scheduleOf(options);
  return {
    async sample(conditions, { keys, stochastic, signal }) {
      const shape = batchShape(backbone, conditions, keys);
      const sigmas = schedule(tokensOf(shape));
      checkSigmas(sigmas);
      const window = windowOf(stochastic, sigmas, rule);
      const conditioning = backbone.encode(conditions);
      const run: Denoising<C> = { backbone, conditioning, sigmas, rule, solver, keys };
      const states: tf.Tensor[] = [];
      const logProbs: tf.Tensor1D[] = [];
      try {
        await denoise(run, { shape, window, states, logProbs, signal });
        const images = await codec.decode(states.at(-1)!);
        const record = {
          shape,
          sigmas,
          window,
          rule,
          states: await read(states),
          logProbs: await read(logProbs),
        };
        return conditions.map((condition, i) => editOf(record, { condition, image: images[i]! }, i));
      } finally {
        conditioning.dispose();
        tf.dispose([...states, ...logProbs]);
      }
    },
  };
}

interface Recording extends Pick<SampleOptions, 'signal'> {
  readonly shape: readonly number[];
  readonly window: readonly number[];
  readonly states: tf.Tensor[];
  readonly logProbs: tf.Tensor1D[];
}

/** Walks through all steps, keeping every latent and the log-probability of each stochastic step. */
async function denoise<C extends Conditioning>(run: Denoising<C>, into: Recording): Promise<void> {
  const initial = run.keys.map((key) => key.fold('initial'));
  into.states.push(keyedNormal(initial, into.shape));
  for (let index = 0; index < run.sigmas.length - 1; index++) {
    if (into.signal !== undefined) await tf.nextFrame(); // lets it be heard: an engine may never wait
    into.signal?.throwIfAborted();
    const move = into.window.includes(index) ? stochasticMove : deterministicMove;
    const { latents, logProb }: DenoisedStep = move(run, into.states.at(-1)!, index);
    into.states.push(latents);
    if (logProb !== null) into.logProbs.push(logProb);
  }
}

interface BatchRecord {
  readonly shape: readonly number[];
  readonly sigmas: Sigmas;
  readonly window: readonly number[];
  readonly rule: TransitionRule;
  /** `[steps + 1][edits * size]`. */
  readonly states: readonly Float32Array[];
  /** `[window][edits]`. */
  readonly logProbs: readonly Float32Array[];
}

function editOf(
  record: BatchRecord,
  edit: { readonly condition: EditCondition; readonly image: Image },
  row: number,
) {
  const { shape, sigmas, window, rule, states, logProbs } = record;
  const size = shape.reduce((product, length) => product * length, 1);
  const mine = states.map((state) => state.subarray(row * size, (row + 1) * size));
  if (!mine.at(-1)!.every(Number.isFinite))
    throw new EditGeneratorError('EDIT_NOT_FINITE', {
      field: `edits[${row}]`,
      found: 'NaN or Infinity',
      fix: 'the backbone gave a velocity that is not finite; check its weights and the noise level',
    });
  const trajectory = {
    sigmas,
    shape,
    states: mine,
    stochastic: window,
    logProbs: logProbs.map((step) => step[row]!),
  };
  return { ...edit, trajectory: window.length === 0 ? trajectory : { ...trajectory, transition: rule } };
}

async function read(tensors: readonly tf.Tensor[]): Promise<readonly Float32Array[]> {
  return Promise.all(tensors.map(async (tensor) => (await tensor.data()) as Float32Array));
}

function scheduleOf({ steps, schedule }: Pick<EditSamplerOptions, 'steps' | 'schedule'>): Schedule {
  if ((steps === undefined) === (schedule === undefined))
    throw new ConfigError({ field: 'steps', value: steps ?? null, fix: 'give either steps or a schedule' });
  if (schedule !== undefined) return schedule;
  const sigmas = uniformSigmas(steps!);
  return () => sigmas;
}

/** Positions of a latent: all its axes but the last. */
function tokensOf(shape: readonly number[]): number {
  return shape.slice(0, -1).reduce((product, length) => product * length, 1);
}

function windowOf(
  stochastic: SampleOptions['stochastic'],
  sigmas: Sigmas,
  rule: TransitionRule,
): readonly number[] {
  if (stochastic === false || rule.eta === 0) return [];
  const open = allButLast(sigmas.length - 1);
  if (stochastic === true) return open;
  stochastic.forEach((step, i) => {
    if (!open.includes(step) || (i > 0 && step <= stochastic[i - 1]!))
      throw new EditGeneratorError('EDIT_TRAJECTORY', {
        field: `stochastic[${i}]`,
        found: step,
        fix: `list steps from 0 to ${open.length - 1} in ascending order; the last step is deterministic`,
      });
  });
  return stochastic;
}

function batchShape(
  backbone: Pick<EditBackbone, 'latentShape'>,
  conditions: readonly EditCondition[],
  keys: readonly Key[],
): readonly number[] {
  if (conditions.length === 0)
    throw new EditGeneratorError('EDIT_EMPTY', {
      field: 'conditions',
      found: [],
      fix: 'give at least one condition',
    });
  if (keys.length !== conditions.length)
    throw new EditGeneratorError('EDIT_SHAPE', {
      field: 'keys',
      found: keys.length,
      fix: `give ${conditions.length} keys, one per condition`,
    });
  const [shape, ...others] = conditions.map((condition) => backbone.latentShape(condition));
  others.forEach((other, i) => {
    if (!tf.util.arraysEqual([...other], [...shape!]))
      throw new EditGeneratorError('EDIT_SHAPE', {
        field: `conditions[${i + 1}]`,
        found: other,
        fix: `its latents must be [${shape}] as those of conditions[0]; sample other sizes in batches of their own`,
      });
  });
  return shape!;
}
