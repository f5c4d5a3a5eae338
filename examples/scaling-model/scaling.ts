// Prints tables of step time, memory and waiting at 8, 64 and 512 GPUs. `--costs FILE` gives measured rates instead of the
// assumed ones: a JSON object with fields of `Cluster` and `Workload`.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Key } from '@thinkrl/spec';
import { h100 } from './cluster.ts';
import type { Sharding } from './gather.ts';
import { memoryOf } from './memory.ts';
import { type StepTime, stepTime } from './step-time.ts';
import { qwenImageEdit } from './workload.ts';

const { values: options } = parseArgs({ options: { costs: { type: 'string' } } });
const costs = options.costs === undefined ? {} : JSON.parse(readFileSync(options.costs, 'utf8'));
const cluster = { ...h100, ...costs };
const work = { ...qwenImageEdit, ...costs };
const draws = 20;

console.log(
  '| GPUs | weights | judges | plan | edit | judge | update | step, s | exposed, s | waiting, s | per GPU |',
);
console.log('|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|');
const base = mean({ gpus: 8, sharding: 'node', judges: 8 }).total;
for (const gpus of [8, 64, 512]) {
  for (const sharding of ['node', 'all'] as const) {
    for (const judges of new Set([8, gpus])) {
      const step = mean({ gpus, sharding, judges });
      const cells = [step.plan, step.edit, step.judge, step.update, step.total, step.exposed, step.waiting];
      const share = `${((100 * base) / step.total).toFixed(0)} %`;
      console.log(
        `| ${[gpus, sharding, judges, ...cells.map((seconds) => seconds.toFixed(1)), share].join(' | ')} |`,
      );
    }
  }
}

console.log('\n| weights | GPUs | editor | gathered | planner | adapter | activations | GB in all |');
console.log('|---|--:|--:|--:|--:|--:|--:|--:|');
for (const [sharding, gpus] of [
  ['whole', 1],
  ['node', 8],
  ['all', 64],
  ['all', 512],
] as const) {
  const { total, ...parts } = memoryOf(work, cluster, gpus, sharding);
  const cells = [...Object.values(parts), total].map((bytes) => (bytes / 1e9).toFixed(1));
  console.log(`| ${[sharding, gpus, ...cells].join(' | ')} |`);
}

function mean(layout: { gpus: number; sharding: Sharding; judges: number }): StepTime {
  const steps = Array.from({ length: draws }, (_, i) => stepTime(work, cluster, layout, Key.of(i)));
  const average = (name: keyof StepTime) => steps.reduce((sum, step) => sum + step[name], 0) / draws;
  const names = ['plan', 'edit', 'judge', 'update', 'exposed', 'waiting', 'total'] as const;
  return Object.fromEntries(names.map((name) => [name, average(name)])) as unknown as StepTime;
}
