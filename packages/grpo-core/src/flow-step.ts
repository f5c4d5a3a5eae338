import * as tf from '@tensorflow/tfjs-core';
import { checkFinite } from './check-finite.ts';
import { GrpoError } from './error.ts';

/**
 * One SDE step of a batch of edits, scored again by the policy in training. `scoreTransitions` of
 * `@thinkrl/edit-generator` gives all of it but the advantages.
 */
export interface FlowStep {
  /** Log-probability of each transition under the policy in training, mean over latent elements: `[edits]`. */
  readonly logProb: tf.Tensor1D;
  /** The same under the sampling policy. Left out on policy: the ratio is then exactly 1 and only its gradient counts. */
  readonly oldLogProb?: tf.Tensor1D | undefined;
  /** `[edits]`. */
  readonly advantages: tf.Tensor1D;
  /** Mean of the transition under the policy in training: `[edits, ...latent]`. Needed for a KL and for the guard. */
  readonly mean?: tf.Tensor | undefined;
  /** The same under the reference; needed when `beta` is not 0. */
  readonly referenceMean?: tf.Tensor | undefined;
  /** The same under the sampling policy; needed for the guard off policy. */
  readonly oldMean?: tf.Tensor | undefined;
  /** Noise level `std` of the step as the SDE is written (method section 5). */
  readonly std?: number | undefined;
  /** Standard deviation of the transition itself: `std sqrt(-dt)` for the SDE, `std` for CPS. */
  readonly deviation?: number | undefined;
  /** Length of the step in sigma, `sigma' - sigma`, negative; needed for the guard. */
  readonly dt?: number | undefined;
}

/**
 * Checks shapes, the signs of the step's numbers, and that advantages and recorded log-probabilities are finite.
 *
 * @throws GrpoError naming the field.
 */
export function checkFlowStep(step: FlowStep): void {
  const { shape } = step.logProb;
  if (shape.length !== 1 || shape[0] === 0)
    throw new GrpoError('GRPO_EMPTY', {
      field: 'logProb',
      found: shape,
      fix: 'give log-probabilities [edits] of at least one edit',
    });
  for (const field of ['oldLogProb', 'advantages'] as const) {
    const found = step[field]?.shape;
    if (found !== undefined && !tf.util.arraysEqual(found, shape))
      throw new GrpoError('GRPO_SHAPE', { field, found, fix: `give the shape [${shape}]` });
  }
  for (const field of ['referenceMean', 'oldMean'] as const) {
    const found = step[field]?.shape;
    if (found !== undefined && !tf.util.arraysEqual(found, step.mean?.shape ?? []))
      throw new GrpoError('GRPO_SHAPE', {
        field,
        found,
        fix: `give the shape of mean, [${step.mean?.shape}]`,
      });
  }
  for (const field of ['std', 'deviation', 'dt'] as const) {
    const found = step[field];
    const wanted = field === 'dt' ? -1 : 1;
    if (found !== undefined && !(Number.isFinite(found) && Math.sign(found) === wanted))
      throw new GrpoError('GRPO_RANGE', {
        field,
        found: String(found),
        fix: wanted < 0 ? 'noise falls from step to step: give a negative number' : 'give a positive number',
      });
  }
  checkFinite('advantages', step.advantages, { fix: 'advantages are finite numbers' });
  if (step.oldLogProb !== undefined)
    checkFinite('oldLogProb', step.oldLogProb, { fix: 'leave out edits whose sampling was not finite' });
}

/**
 * A field that the objective needs.
 *
 * @throws GrpoError when it was not given.
 */
export function required<Field extends keyof FlowStep>(
  step: FlowStep,
  field: Field,
  reason: string,
): NonNullable<FlowStep[Field]> {
  const value = step[field];
  if (value === undefined)
    throw new GrpoError('GRPO_MISSING', { field, found: undefined, fix: `give it: ${reason} needs it` });
  return value as NonNullable<FlowStep[Field]>;
}
