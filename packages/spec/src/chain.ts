import type { Image } from './image.ts';
import type { EditTask } from './task.ts';

/** A sampled text with what training needs to score it again. */
export interface Utterance {
  readonly text: string;
  /** Sampled token ids, the end token included: `[tokens]`. */
  readonly tokens: Int32Array;
  /** Log-probability of each token under the sampling policy, nats: `[tokens]`. */
  readonly logProbs: Float32Array;
  /** The text split into atomic semantic steps; empty when it could not be parsed. */
  readonly steps: readonly string[];
  /** Whether the text parsed; an unparsable one is kept and counted. */
  readonly wellFormed: boolean;
}

/** A reflection on an edit: `ok` ends the chain, `fix` asks for another edit. */
export interface Reflection extends Utterance {
  readonly verdict: 'ok' | 'fix';
}

/** What the generation module is conditioned on: reference picture(s) and a text. */
export interface EditCondition {
  readonly references: readonly Image[];
  readonly text: string;
}

/**
 * How the stochastic steps of a trajectory were drawn (method section 5): by the SDE or by coefficient-preserving
 * sampling, with noise level `eta`.
 */
export interface TransitionRule {
  readonly kind: 'sde' | 'cps';
  readonly eta: number;
}

/**
 * One denoising trajectory, enough to score its stochastic steps again (method section 5).
 *
 * `states[i]` is the latent at `sigmas[i]`, flattened from `shape`; `states.length === sigmas.length`.
 */
export interface Trajectory {
  readonly sigmas: readonly number[];
  readonly shape: readonly number[];
  readonly states: readonly Float32Array[];
  /** Indices of the steps drawn by an SDE, ascending: the window. */
  readonly stochastic: readonly number[];
  /** Log-probability of each stochastic transition, mean over latent elements: `[stochastic.length]`. */
  readonly logProbs: readonly number[];
  /** How the stochastic steps were drawn; scoring them again needs it. */
  readonly transition?: TransitionRule;
}

/** One edit: its condition, the picture, and the trajectory that led to it. */
export interface Edit {
  readonly condition: EditCondition;
  readonly image: Image;
  readonly trajectory: Trajectory;
}

/** One round of reflect-and-edit. `edit` is null when the verdict was `ok`: the picture stays as it was. */
export interface Round {
  readonly reflection: Reflection;
  readonly edit: Edit | null;
}

/** Plan, edit, reflect, edit again: the unit that is sampled, judged, ranked and shown (method section 1). */
export interface Chain<Task extends EditTask = EditTask> {
  readonly task: Task;
  /** Position in its group, 0 to groupSize - 1. */
  readonly index: number;
  /** Null for direct editing without a plan. */
  readonly plan: Utterance | null;
  readonly first: Edit;
  readonly rounds: readonly Round[];
}

/**
 * The edits of a chain stage by stage: `[first, after round 1, ...]`. A stage that ended in `ok` repeats the edit
 * before it, as the very same object.
 */
export function stageEdits(chain: Chain): readonly Edit[] {
  const edits = [chain.first];
  for (const round of chain.rounds) edits.push(round.edit ?? edits[edits.length - 1]!);
  return edits;
}

/** The picture a chain ends with. */
export function finalImage(chain: Chain): Image {
  return stageEdits(chain).at(-1)!.image;
}
