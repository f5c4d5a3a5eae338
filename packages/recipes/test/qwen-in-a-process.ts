// Trains a tiny Qwen-Image-Edit, or goes on with it: `FOLDER SETTINGS [PLACE]`, as a rank with torchrun's variables. One rank
// is told to stop at a place: `{"rank": 1, "iteration": 2, "module": 1, "pass": 2}` is at the second pass through the second
// module that is differentiated, both being shared out; `{"rank": 1, "reading": true}` is before it reads its weights.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ShardedModule } from '@thinkrl/fsdp-shard';
import type { RunEvent } from '@thinkrl/recipes';
import { parseQwenEditConfig, resumeQwenEdit, trainQwenEdit } from '../src/qwen-image-edit/index.ts';
import { TINY_FORM, wilfulJudge } from './tiny-talk.ts';

const [out, settings, place = '{}'] = process.argv.slice(2) as [string, string, string?];
const told = JSON.parse(place) as Partial<
  Record<'rank' | 'iteration' | 'module' | 'pass' | 'reading', unknown>
>;
const controller = new AbortController();
let iteration = 1;
let passes = new Map<ShardedModule, number>();

const { accumulate } = ShardedModule.prototype;
ShardedModule.prototype.accumulate = function (objective) {
  const evaluated = accumulate.call(this, objective);
  passes.set(this, (passes.get(this) ?? 0) + 1);
  const here = { rank: Number(process.env.RANK), iteration, module: passes.size - 1, pass: passes.get(this) };
  if (Object.entries(here).every(([name, value]) => told[name as 'rank'] === value)) controller.abort();
  return evaluated as ReturnType<ShardedModule['accumulate']>;
};

const onEvent = (event: RunEvent) => {
  if (event.type === 'folder') {
    iteration = event.resumedFrom + 1;
    if (told.reading === true && Number(process.env.RANK) === told.rank) controller.abort();
  }
  if (event.type !== 'step') return;
  iteration = event.report.iteration + 1;
  passes = new Map();
};
const options = { judge: wilfulJudge(), form: TINY_FORM, signal: controller.signal, onEvent };
if (existsSync(join(out, 'config.json'))) await resumeQwenEdit(out, options);
else await trainQwenEdit(parseQwenEditConfig(JSON.parse(settings)), { ...options, out });
if (place !== '{}' && Number(process.env.RANK) === told.rank && !controller.signal.aborted)
  throw new Error(`never came to ${place}`);
