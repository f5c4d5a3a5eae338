import {
  type Answer,
  type Chain,
  ConfigError,
  type Edit,
  type EditTask,
  type JudgedChain,
  type Judgement,
  type Key,
  stageEdits,
} from '@thinkrl/spec';
import type { DimensionScore, RewardDimension, ScoreRequest } from './dimension.ts';
import { JudgeContractError } from './error.ts';
import type { CallOptions } from './judge.ts';

/**
 * Exact scores by name, in [0, 1], where an oracle exists; logged, never trained on. It is shown what the judges answered,
 * so that it can score them too.
 */
export type Oracle<Task extends EditTask = EditTask> = (
  request: ScoreRequest<Task>,
  answers: readonly Answer[],
) => Readonly<Record<string, number>>;

/** Settings of {@link createChecklistReward}. */
export interface ChecklistRewardOptions<Task extends EditTask = EditTask> {
  /** At least one; the order is that of `Judgement.rewards`. */
  readonly dimensions: readonly RewardDimension<Task>[];
  readonly oracle?: Oracle<Task>;
}

/** The reward of chains: a vector per stage (method section 1, step 5). */
export interface ChecklistReward<Task extends EditTask = EditTask> {
  /** Names of the reward dimensions, in the order of `Judgement.rewards`. */
  readonly dimensions: readonly string[];
  /**
   * Judges every stage of every chain. A stage that ended in `ok` repeats its edit and gets the very same judgement
   * object. The key of a judgement is `key` folded with task id, chain index and stage, so neither the order nor the
   * size of the batch changes a result. A picture that one dimension leaves unjudged has `unjudged` set and no rewards.
   */
  judge(chains: readonly Chain<Task>[], key: Key, call?: CallOptions): Promise<readonly JudgedChain<Task>[]>;
}

/**
 * Puts reward dimensions together. Nothing is weighted or summed here: ordering is the grouping's business.
 *
 * @throws ConfigError without dimensions or with a name used twice.
 * @example
 * const reward = createChecklistReward({ dimensions: [checklistDimension({ judge })] });
 * const judged = await reward.judge(chains, Key.of(0));
 */
export function createChecklistReward<Task extends EditTask>(
  options: ChecklistRewardOptions<Task>,
): ChecklistReward<Task> {
  const { dimensions, oracle } = options;
  const names = dimensions.map((dimension) => dimension.name);
  if (names.length === 0 || new Set(names).size !== names.length)
    throw new ConfigError({
      field: 'dimensions',
      value: names,
      fix: 'give at least one, each with its own name',
    });
  return {
    dimensions: names,
    async judge(chains, key, call) {
      const pictures = chains.map((chain) => picturesOf(chain, key));
      const requests = pictures.flat();
      const scores = await Promise.all(dimensions.map((dimension) => scoresOf(dimension, requests, call)));
      const judgements = requests.map((request, index) =>
        judgementOf(
          names,
          scores.map((column) => column[index]!),
          (answers) => oracle?.(request, answers),
        ),
      );
      return assemble(chains, pictures, judgements);
    },
  };
}

interface Picture<Task extends EditTask> extends ScoreRequest<Task> {
  readonly edit: Edit;
}

function picturesOf<Task extends EditTask>(chain: Chain<Task>, key: Key): readonly Picture<Task>[] {
  const chainKey = key.fold(chain.task.id).fold(chain.index);
  const pictures: Picture<Task>[] = [];
  stageEdits(chain).forEach((edit, stage) => {
    if (pictures.at(-1)?.edit !== edit)
      pictures.push({ task: chain.task, image: edit.image, key: chainKey.fold(stage), edit });
  });
  return pictures;
}

async function scoresOf<Task extends EditTask>(
  dimension: RewardDimension<Task>,
  requests: readonly ScoreRequest<Task>[],
  call: CallOptions | undefined,
): Promise<readonly DimensionScore[]> {
  const own = requests.map(({ task, image, key }) => ({ task, image, key: key.fold(dimension.name) }));
  const scores = await dimension.score(own, call);
  if (scores.length !== requests.length)
    throw new JudgeContractError({
      source: dimension.name,
      problem: `${scores.length} scores for ${requests.length} pictures`,
    });
  scores.forEach((score, index) => {
    if ('value' in score && !(score.value >= 0 && score.value <= 1))
      throw new JudgeContractError({
        source: dimension.name,
        taskId: requests[index]!.task.id,
        problem: `score ${score.value} is not in [0, 1]`,
      });
  });
  return scores;
}

function judgementOf(
  names: readonly string[],
  scores: readonly DimensionScore[],
  oracleOf: (answers: readonly Answer[]) => Readonly<Record<string, number>> | undefined,
): Judgement {
  const answers = scores.flatMap((score) => ('value' in score ? (score.answers ?? []) : []));
  const missing = scores.flatMap((score, k) =>
    'unjudged' in score ? [`${names[k]}: ${score.unjudged}`] : [],
  );
  const rewards =
    missing.length > 0 ? [] : scores.flatMap((score) => ('value' in score ? [score.value] : []));
  const oracle = oracleOf(answers);
  return {
    rewards,
    answers,
    ...(missing.length > 0 && { unjudged: missing.join('; ') }),
    ...(oracle !== undefined && { oracle }),
  };
}

function assemble<Task extends EditTask>(
  chains: readonly Chain<Task>[],
  pictures: readonly (readonly Picture<Task>[])[],
  judgements: readonly Judgement[],
): readonly JudgedChain<Task>[] {
  let next = 0;
  return chains.map((chain, index) => {
    const byEdit = new Map(pictures[index]!.map(({ edit }) => [edit, judgements[next++]!]));
    return { chain, stages: stageEdits(chain).map((edit) => byEdit.get(edit)!) };
  });
}
