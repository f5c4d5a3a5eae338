// Times a sharded training step of the micro editor against PyTorch's FSDP, and the cost of sharding in a world of one.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CELL_WORD_IDS, SLOTS, VOCABULARY } from '@thinkrl/microworld';
import type { Report, Settings, Times, Way } from './fsdp/settings.ts';
import { lastLineOfFirst } from './fsdp/world.ts';
import { median } from './median.ts';

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '30' },
    warm: { type: 'string', default: '10' },
    width: { type: 'string', default: '128' },
    blocks: { type: 'string', default: '5' },
    rows: { type: 'string', default: '16' },
  },
});
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const settings: Omit<Settings, 'ways'> = {
  width: Number(options.width),
  blocks: Number(options.blocks),
  rows: Number(options.rows),
  warm: Number(options.warm),
  steps: Number(options.steps),
  fused: true,
  vocabulary: VOCABULARY.length,
  textSlots: SLOTS.editorText,
  cellWords: CELL_WORD_IDS,
};

const ours = (ways: readonly Way[]) => [
  ...[process.execPath, '--import', 'tsx', '--conditions=@thinkrl/source', here('fsdp/rank.ts')],
  JSON.stringify({ ...settings, ways }),
];
const theirs = [options.python, here('peers/fsdp.py'), JSON.stringify(settings)];

/** Takes steps in a world and gives what its rank 0 measured. */
const measure = async (command: readonly string[], worldSize: number): Promise<readonly Times[]> =>
  (JSON.parse(await lastLineOfFirst(command, worldSize)) as Report).ways;

/** What was measured of one way. */
interface Entry {
  readonly name: string;
  readonly seconds: number[];
  readonly cpu: number[];
}

/** Processes that are started together, and the ways that they report. */
interface Turn {
  readonly command: readonly string[];
  readonly worldSize: number;
  readonly entries: readonly Entry[];
}

const turn = (command: readonly string[], worldSize: number, names: readonly string[]): Turn => ({
  ...{ command, worldSize },
  entries: names.map((name) => ({ name, seconds: [], cpu: [] })),
});
const ALONE = ['not sharded', 'sharded in a world of 1', 'shared out in a world of 1 all the same'];
const turns = [
  turn(ours(['sharded']), 2, ['ours, 2 ranks']),
  turn(theirs, 2, ["PyTorch's fully_shard, 2 ranks"]),
  turn(ours(['plain', 'sharded', 'shared alone']), 1, ALONE),
];
for (let round = 0; round < Number(options.rounds); round++)
  for (const { command, worldSize, entries } of round % 2 === 0 ? turns : turns.toReversed()) {
    const ways = await measure(command, worldSize);
    entries.forEach(({ seconds, cpu }, i) => {
      seconds.push(...ways[i]!.seconds);
      cpu.push(...ways[i]!.cpu);
    });
  }
console.log('| step | fastest, ms | median, ms | median CPU, ms |\n|---|---|---|---|');
const ms = (value: number) => (1000 * value).toFixed(1);
const entries = turns.flatMap((each) => each.entries);
for (const { name, seconds, cpu } of entries)
  console.log(`| ${name} | ${ms(Math.min(...seconds))} | ${ms(median(seconds))} | ${ms(median(cpu))} |`);
const ratio = (a: Entry, b: Entry) => ({
  fastest: Math.min(...a.seconds) / Math.min(...b.seconds),
  median: median(a.seconds) / median(b.seconds),
  cpu: median(a.cpu) / median(b.cpu),
});
/** Of steps that followed each other. */
const paired = (a: Entry, b: Entry) => ({
  ...ratio(a, b),
  paired: median(a.seconds.map((seconds, i) => seconds / b.seconds[i]!)),
});
const [two, peer, plain, sharded, alone] = entries as [Entry, Entry, Entry, Entry, Entry];
console.log(
  JSON.stringify({
    againstPyTorch: ratio(two, peer),
    shardedAlone: paired(sharded, plain),
    sharedAlone: paired(alone, plain),
  }),
);
