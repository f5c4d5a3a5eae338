// Times passes of two ranks through the sharded micro editor inside `inStep`: what asking for each unit costs, and what is
// left of it when units are sent for ahead.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { InStepSettings, InStepTimes } from './fsdp/settings.ts';
import { lastLineOfFirst } from './fsdp/world.ts';
import { median } from './median.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    passes: { type: 'string', default: '8' },
    width: { type: 'string', default: '128' },
    blocks: { type: 'string', default: '5' },
    rows: { type: 'string', default: '4' },
  },
});
const settings: InStepSettings = {
  rounds: Number(options.rounds),
  passes: Number(options.passes),
  width: Number(options.width),
  blocks: Number(options.blocks),
  rows: Number(options.rows),
};

const rank = fileURLToPath(new URL('fsdp/in-step-rank.ts', import.meta.url));
const command = [process.execPath, '--import', 'tsx', '--conditions=@thinkrl/source', rank];
const times = JSON.parse(await lastLineOfFirst([...command, JSON.stringify(settings)], 2)) as InStepTimes;
const ms = (value: number) => (1000 * value).toFixed(1);
console.log(
  '| pass | way | fastest, ms | median, ms | of asking for each, median of rounds |\n|---|---|--:|--:|--:|',
);
for (const [kind, ways] of Object.entries(times))
  for (const [way, seconds] of Object.entries(ways)) {
    const share = median(seconds.map((value, round) => value / ways.asked[round]!));
    console.log(
      `| ${kind} | ${way} | ${ms(Math.min(...seconds))} | ${ms(median(seconds))} | ${share.toFixed(2)} |`,
    );
  }
