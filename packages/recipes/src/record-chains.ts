import { encodePng, type MicroTask, renderScene } from '@thinkrl/microworld';
import type { RunFolder, StepObserver } from '@thinkrl/orchestrator';
import { type Outcome, writeChains } from '@thinkrl/report';
import type { Group } from '@thinkrl/spec';
import { explain } from '@thinkrl/ucpg';
import type { MicroConfig } from './config.ts';

/** Dimension names of the micro-world's reward, in order. */
const DIMENSIONS = ['instruction', 'consistency', 'quality'];

/** Writes some groups of every `recordEvery`-th iteration, and of the first and last, to the run folder. */
export function chainRecorder(folder: RunFolder, config: MicroConfig): StepObserver<MicroTask> {
  return async ({ iteration }, groups) => {
    const due = iteration === 1 || iteration === config.iterations || iteration % config.recordEvery === 0;
    const count = Math.ceil(groups.length * config.recordShare);
    if (!due || count === 0) return;
    await writeChains(folder.root, groups.slice(0, count), {
      iteration,
      dimensions: DIMENSIONS,
      encode: encodePng,
      truth: (task) => renderScene({ ...task.scene, cells: task.truth }),
      explain: outcomesOf,
    });
  };
}

/** Why each chain is in or out of the first stage's grouping, and against whom. */
function outcomesOf({ members, credit }: Group<MicroTask>): readonly Outcome[] {
  const grouping = credit[0]!;
  const stage = grouping === credit.at(-1) ? -1 : 0;
  const rewards = members.map(({ stages }) => {
    const judgement = stages.at(stage)!;
    return judgement.unjudged === undefined ? judgement.rewards : null;
  });
  return explain(rewards, grouping);
}
