import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { useEngine } from '@thinkrl/engine';
import { bytesOf, realShard, type Shapes, sparseShard, writeShards } from './load/files.ts';
import { PARTS } from './load/parts.ts';
import { type Loaded, loadShard } from './load/shard.ts';

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string', default: join(tmpdir(), 'thinkrl-load') },
    shard: { type: 'string', default: '5' },
    parts: { type: 'string', default: Object.keys(PARTS).join() },
    real: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '3' },
    part: { type: 'string', default: '' },
    file: { type: 'string', default: '' },
  },
});
const GB = 1e9;

await useEngine({ engine: 'torch', threads: 1 });
if (options.part !== '') console.log(JSON.stringify(loadShard(options.part, options.file)));
else {
  rmSync(options.folder, { recursive: true, force: true });
  try {
    if (options.parts !== '') loadInShards(options.parts.split(','));
    if (Number(options.real) > 0) coldLoad(Number(options.real) * GB);
  } finally {
    rmSync(options.folder, { recursive: true, force: true });
  }
}

/** Loads parts shard by shard, each in a process of its own, and prints what that took. */
function loadInShards(parts: readonly string[]): void {
  const columns = [
    'part',
    'shards',
    'device, GB',
    'process / device bytes, worst shard',
    'less the process at rest, worst shard',
    'at rest, MB',
    's',
    'processor s',
  ];
  console.log(`| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`);
  for (const part of parts) {
    const folder = join(options.folder, part);
    const limit = Number(options.shard) * GB;
    const files = writeShards(folder, shapesOf(part), { limit, write: sparseShard });
    const loaded = files.map((file) => loadApart(part, join(folder, file)));
    rmSync(folder, { recursive: true });
    const sum = (field: keyof Loaded) => loaded.reduce((total, shard) => total + shard[field], 0);
    const figures = [
      sum('bytes') / GB,
      Math.max(...loaded.map(({ most, bytes }) => most / bytes)),
      Math.max(...loaded.map(({ most, start, bytes }) => (most - start) / bytes)),
      sum('start') / loaded.length / 1e6,
      sum('seconds'),
      sum('processor'),
    ];
    console.log(`| ${[part, files.length, ...figures.map((figure) => figure.toFixed(3))].join(' | ')} |`);
  }
}

/** Shapes of a part's tensors as its files have them. */
function shapesOf(part: string): Shapes {
  const { build, stored } = PARTS[part]!;
  const model = build();
  const shapes = [...model.parameters()].map(([name, { shape }]) => [name, stored(name, shape)] as const);
  model.dispose();
  return new Map(shapes);
}

function loadApart(part: string, file: string): Loaded {
  const program = [...process.execArgv, fileURLToPath(import.meta.url), '--part', part, '--file', file];
  const output = execFileSync(process.execPath, program).toString();
  return JSON.parse(output.trim().split('\n').at(-1)!) as Loaded;
}

/** Loads a real file of at most so many bytes that the page cache does not hold, in turns with `dd`. */
function coldLoad(most: number): void {
  const folder = join(options.folder, 'real');
  const chosen = new Map<string, readonly number[]>();
  let total = 0;
  for (const [name, shape] of shapesOf('transformer')) {
    if (total + bytesOf(shape) > most) break;
    chosen.set(name, shape);
    total += bytesOf(shape);
  }
  writeShards(folder, chosen, { limit: most, write: realShard });
  const path = join(folder, 'model-0.safetensors');
  const sides: Readonly<Record<string, () => number>> = {
    'dd, 16 MiB at a time': () => ddSeconds(path, 'bs=16M'),
    'dd past the page cache': () => ddSeconds(path, 'bs=16M', 'iflag=direct'),
    'dd into memory of its own': () => ddSeconds(path, `bs=${total}`, 'iflag=fullblock'),
    load: () => loadApart('transformer', path).seconds,
  };
  const rates = new Map<string, number[]>(Object.keys(sides).map((side) => [side, []]));
  const order = Object.entries(sides);
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [side, seconds] of order) {
      forget(path);
      rates.get(side)!.push(total / seconds() / 1e6);
    }
    order.push(order.shift()!);
  }
  console.log(`\ncold, ${(total / GB).toFixed(2)} GB, MB/s: median (all)`);
  for (const [side, list] of rates) {
    const sorted = list.map(Math.round).sort((a, b) => a - b);
    console.log(`${side} ${sorted[Math.floor(sorted.length / 2)]} (${sorted.join(', ')})`);
  }
}

/** What `dd` takes to read a file, process start included. */
function ddSeconds(path: string, ...more: readonly string[]): number {
  const start = performance.now();
  execFileSync('dd', [`if=${path}`, 'of=/dev/null', ...more], { stdio: 'ignore' });
  return (performance.now() - start) / 1000;
}

/** Writes a file out and takes it out of the page cache. */
function forget(path: string): void {
  const settings = [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'];
  execFileSync('dd', settings, { stdio: 'ignore' });
}
