import type { RunFolder, StepObserver } from '@thinkrl/orchestrator';
import { type Outcome, type WriteChainsOptions, writeChains } from '@thinkrl/report';
import type { EditTask, Group } from '@thinkrl/spec';
import { explain } from '@thinkrl/ucpg';

/** Names of the reward's dimensions, in order, of every recipe. */
export const DIMENSIONS = ['instruction', 'consistency', 'quality'] as const;

/** What of a run is recorded. */
export interface RecordSettings {
  readonly iterations: number;
  /** Iterations between recorded groups. */
  readonly recordEvery: number;
  /** Share of recorded groups per recorded iteration. */
  readonly recordShare: number;
}

/** Writes some groups of every `recordEvery`-th iteration, and of the first and last, to the run folder. */
export function chainRecorder<Task extends EditTask>(
  folder: RunFolder,
  config: RecordSettings,
  pictures: Pick<WriteChainsOptions<Task>, 'encode' | 'truth'>,
): StepObserver<Task> {
  return async ({ iteration }, groups) => {
    const due = iteration === 1 || iteration === config.iterations || iteration % config.recordEvery === 0;
    const count = Math.ceil(groups.length * config.recordShare);
    if (!due || count === 0) return;
    await writeChains(folder.root, groups.slice(0, count), {
      iteration,
      dimensions: DIMENSIONS,
      ...pictures,
      explain: outcomesOf,
    });
  };
}

/** Why each chain is in or out of the first stage's grouping, and against whom. */
function outcomesOf({ members, credit }: Group): readonly Outcome[] {
  const grouping = credit[0]!;
  const stage = grouping === credit.at(-1) ? -1 : 0;
  const rewards = members.map(({ stages }) => {
    const judgement = stages.at(stage)!;
    return judgement.unjudged === undefined ? judgement.rewards : null;
  });
  return explain(rewards, grouping);
}
