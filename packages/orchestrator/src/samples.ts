import type { TokenLayout } from '@thinkrl/cot-sampler';
import { type Chain, type Edit, type EditTask, type Group, stageEdits } from '@thinkrl/spec';

/** A chain whose tokens take part in an update, with their advantage per stage. */
export interface TrainedChain<Task extends EditTask = EditTask> {
  readonly chain: Chain<Task>;
  /** `[stages]`; 0 where the stage gives no update. */
  readonly advantages: readonly number[];
}

/** An edit that takes part in an update, with the advantage of its stage. */
export interface TrainedEdit {
  readonly edit: Edit;
  readonly advantage: number;
}

/** The chains kept by the grouping of at least one stage; the plan's own grouping stands for that of stage 0. */
export function trainedChains<Task extends EditTask>(
  groups: readonly Group<Task>[],
): readonly TrainedChain<Task>[] {
  return groups.flatMap(({ members, credit, plan }) => {
    const spoken = plan === undefined ? credit : [plan, ...credit.slice(1)];
    return members.flatMap(({ chain }, i) => {
      const advantages = spoken.map((grouping) => grouping.advantages[i]!);
      return spoken.some((grouping) => grouping.kept.includes(i)) ? [{ chain, advantages }] : [];
    });
  });
}

/** The edits of kept chains; a stage that ended in `ok` made none. */
export function trainedEdits(groups: readonly Group[]): readonly TrainedEdit[] {
  return groups.flatMap(({ members, credit }) =>
    members.flatMap(({ chain }, i) => {
      const edits = stageEdits(chain);
      return edits.flatMap((edit, stage) =>
        edit !== edits[stage - 1] && credit[stage]!.kept.includes(i)
          ? [{ edit, advantage: credit[stage]!.advantages[i]! }]
          : [],
      );
    }),
  );
}

/** The advantage of every token, that of its stage: `[chains * tokens]`, row-major. */
export function tokenAdvantages(layout: TokenLayout, samples: readonly TrainedChain[]): Float32Array {
  const advantages = new Float32Array(layout.chains * layout.tokens);
  samples.forEach((sample, row) => {
    layout.stages.forEach((stage, column) => {
      advantages[row * layout.tokens + column] = sample.advantages[stage] ?? 0;
    });
  });
  return advantages;
}
