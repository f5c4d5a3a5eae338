import { flowMatchSchedule, type Schedule } from '@thinkrl/edit-generator';
import { ConfigReader } from '../../config-reader.ts';
import { QwenImageFolderError } from '../error.ts';

/** Noise levels for a number of steps. */
export type ScheduleOfSteps = (steps: number) => Schedule;

/**
 * Reads `scheduler/scheduler_config.json` of a flow-match Euler scheduler.
 *
 * @throws QwenImageFolderError for a schedule that is not built here.
 */
export function parseScheduler(json: unknown, path = 'scheduler/scheduler_config.json'): ScheduleOfSteps {
  const fields = new ConfigReader(path, json, QwenImageFolderError);
  fields.expect('num_train_timesteps', 1000);
  const shift = fields.number('shift', 1);
  const isDynamic = fields.flag('use_dynamic_shifting', false);
  const dynamic = {
    baseShift: fields.number('base_shift', 0.5),
    maxShift: fields.number('max_shift', 1.15),
    baseTokens: fields.number('base_image_seq_len', 256),
    maxTokens: fields.number('max_image_seq_len', 4096),
    type: fields.text('time_shift_type', 'exponential') as 'exponential' | 'linear',
  };
  const stretched = fields.number('shift_terminal', 0);
  fields.finish();
  const terminal = stretched === 0 ? {} : { terminal: stretched };
  return (steps) => flowMatchSchedule({ steps, ...terminal, ...(isDynamic ? { dynamic } : { shift }) });
}
