import { type Reward, ridingOutages } from '@thinkrl/orchestrator';
import type { EditTask } from '@thinkrl/spec';
import type { RunListener } from './event.ts';

/** A reward that waits for a judge that is away and says so. */
export function patientReward<Task extends EditTask>(reward: Reward<Task>, tell: RunListener): Reward<Task> {
  return ridingOutages(reward, {
    onPause: ({ reason, seconds }) =>
      tell({ type: 'notice', text: `the judge is away (${reason}); asking again in ${seconds} s` }),
  });
}
