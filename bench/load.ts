import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Variable } from '@tensorflow/tfjs-core';
import { QwenImageTransformer, RELEASED_TRANSFORMER } from '@thinkrl/backbones/qwen-image-edit';
import { QwenVl, type QwenVlConfig } from '@thinkrl/backbones/qwen2-5-vl';
import { useEngine } from '@thinkrl/engine';
import { loadParameters, type Module, openCheckpoint, openSafetensors, type ParameterMap } from '@thinkrl/nn';
import { memoryStatistics } from '@thinkrl/tfjs-backend-torch';

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string', default: join(tmpdir(), 'thinkrl-load') },
    shard: { type: 'string', default: '5' },
    real: { type: 'string', default: '0' },
    part: { type: 'string', default: '' },
    file: { type: 'string', default: '' },
  },
});
const GB = 1e9;

/** Sizes of the released Qwen2.5-VL-7B. */
const TEXT_ENCODER: QwenVlConfig = {
  vision: {
    ...{ depth: 32, width: 1280, heads: 16, inner: 3420, channels: 3, patch: 14, temporalPatch: 2 },
    ...{ merge: 2, window: 112, fullAttention: [7, 15, 23, 31], outputs: 3584 },
  },
  language: {
    ...{ vocabulary: 152064, width: 3584, inner: 18944, layers: 28, heads: 28, keyHeads: 4, headSize: 128 },
    ...{ epsilon: 1e-6, theta: 1e6, sections: [16, 24, 24], tied: false },
  },
  imageToken: 151655,
  videoToken: 151656,
};

const MODELS: Readonly<Record<string, () => Module>> = {
  transformer: () => new QwenImageTransformer(RELEASED_TRANSFORMER),
  text_encoder: () => new QwenVl(TEXT_ENCODER),
};

/** What loading one shard took. */
interface Loaded {
  readonly bytes: number;
  /** Most that the process ever had in memory, the engine with it. */
  readonly resident: number;
  /** What the process had in memory before it loaded anything. */
  readonly start: number;
  readonly seconds: number;
  readonly processor: number;
}

await useEngine({ engine: 'torch', threads: 1 });
if (options.part !== '') console.log(JSON.stringify(loadShard(options.part, options.file)));
else {
  rmSync(options.folder, { recursive: true, force: true });
  const columns = [
    'part',
    'shards',
    'device, GB',
    'process / device bytes, worst shard',
    'beside the engine, worst shard',
    'process, all shards',
    's',
    'processor s',
  ];
  console.log(`| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`);
  for (const part of Object.keys(MODELS)) loadInShards(part);
  if (Number(options.real) > 0) coldLoad(Number(options.real));
  rmSync(options.folder, { recursive: true, force: true });
}

/** Loads a part shard by shard, each in a process of its own, and prints what that took. */
function loadInShards(part: string): void {
  const folder = join(options.folder, part);
  const count = writeShards(folder, MODELS[part]!().parameters(), sparseShard).length;
  const again = [
    ...process.execArgv,
    fileURLToPath(import.meta.url),
    '--folder',
    options.folder,
    '--part',
    part,
  ];
  const loaded = Array.from({ length: count }, (_, index) => {
    const result = execFileSync(process.execPath, [...again, '--file', `model-${index}.safetensors`]);
    return JSON.parse(result.toString().trim().split('\n').at(-1)!) as Loaded;
  });
  rmSync(folder, { recursive: true });
  const sum = (field: keyof Loaded) => loaded.reduce((total, shard) => total + shard[field], 0);
  const worst = Math.max(...loaded.map(({ resident, bytes }) => resident / bytes));
  const added = Math.max(...loaded.map(({ resident, start, bytes }) => (resident - start) / bytes));
  const figures = [
    sum('bytes') / GB,
    worst,
    added,
    sum('resident') / sum('bytes'),
    sum('seconds'),
    sum('processor'),
  ];
  console.log(`| ${[part, count, ...figures.map((figure) => figure.toFixed(2))].join(' | ')} |`);
}

/** Loads the parameters that lie in one file of a part, through its index. */
function loadShard(part: string, file: string): Loaded {
  const parameters = MODELS[part]!().parameters();
  const folder = join(options.folder, part);
  const shard = openSafetensors(join(folder, file));
  const checkpoint = openCheckpoint(folder);
  const names = [...shard.tensors.keys()];
  const own = new Map(names.map((name) => [name, parameters.get(name)!] as const));
  const tensors = new Map(names.map((name) => [name, checkpoint.tensors.get(name)!] as const));
  const { allocatedBytes: before } = memoryStatistics();
  const resting = resident('VmRSS');
  const [start, busy] = [performance.now(), process.cpuUsage()];
  loadParameters(own, tensors, { halves: 'keep' });
  const [seconds, used] = [(performance.now() - start) / 1000, process.cpuUsage(busy)];
  const bytes = memoryStatistics().allocatedBytes - before;
  return {
    bytes,
    resident: resident('VmHWM'),
    start: resting,
    seconds,
    processor: (used.user + used.system) / 1e6,
  };
}

type WriteShard = (path: string, header: Uint8Array, bytes: number) => void;

/** Writes shards of the parameters in bfloat16 and their index; returns the names in each. */
function writeShards(
  folder: string,
  parameters: ParameterMap,
  write: WriteShard,
): readonly (readonly string[])[] {
  mkdirSync(folder, { recursive: true });
  const limit = Number(options.shard) * GB;
  const shards: { names: string[]; bytes: number }[] = [];
  for (const [name, { size }] of parameters) {
    const last = shards.at(-1);
    if (last === undefined || last.bytes + 2 * size > limit) shards.push({ names: [name], bytes: 2 * size });
    else {
      last.names.push(name);
      last.bytes += 2 * size;
    }
  }
  const weightMap: Record<string, string> = {};
  shards.forEach(({ names, bytes }, index) => {
    const file = `model-${index}.safetensors`;
    let at = 0;
    const header = names.map((name) => {
      weightMap[name] = file;
      const { shape, size } = parameters.get(name)!;
      const entry = { dtype: 'BF16', shape, data_offsets: [at, at + 2 * size] };
      at += 2 * size;
      return [name, entry] as const;
    });
    write(join(folder, file), new TextEncoder().encode(JSON.stringify(Object.fromEntries(header))), bytes);
  });
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
  return shards.map(({ names }) => names);
}

/** A header and a hole: a file that reads as zeros and takes no room. */
function sparseShard(path: string, header: Uint8Array, bytes: number): void {
  const file = openSync(path, 'w');
  writeHeader(file, header);
  ftruncateSync(file, 8 + header.length + bytes);
  closeSync(file);
}

/** A header and bytes that the disk has to hold. */
function realShard(path: string, header: Uint8Array, bytes: number): void {
  const file = openSync(path, 'w');
  writeHeader(file, header);
  const block = new Uint8Array(64 << 20).map((_, i) => (i * 2654435761) >>> 24);
  for (let left = bytes; left > 0; left -= block.length)
    writeSync(file, block, 0, Math.min(left, block.length));
  closeSync(file);
}

function writeHeader(file: number, header: Uint8Array): void {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  writeSync(file, length);
  writeSync(file, header);
}

/** Loads a real file that the page cache does not hold, beside reading its bytes and nothing else. */
function coldLoad(gigabytes: number): void {
  const folder = join(options.folder, 'real');
  const model = new QwenImageTransformer(RELEASED_TRANSFORMER);
  const chosen = new Map<string, Variable>();
  let bytes = 0;
  for (const [name, variable] of model.parameters()) {
    if (bytes + 2 * variable.size > gigabytes * GB) break;
    chosen.set(name, variable);
    bytes += 2 * variable.size;
  }
  writeShards(folder, chosen, realShard);
  const path = join(folder, 'model-0.safetensors');
  const timed = (work: () => void) => {
    execFileSync('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'], {
      stdio: 'ignore',
    });
    const start = performance.now();
    work();
    return bytes / GB / ((performance.now() - start) / 1000);
  };
  const reading = timed(() => readWhole(path));
  const loading = timed(() => {
    const file = openSafetensors(path);
    loadParameters(chosen, file.tensors, { halves: 'keep' });
    file.close();
  });
  console.log(
    `\ncold, ${(bytes / GB).toFixed(2)} GB: read ${reading.toFixed(2)} GB/s, load ${loading.toFixed(2)} GB/s`,
  );
}

function readWhole(path: string): void {
  const file = openSync(path, 'r');
  const buffer = new Uint8Array(64 << 20);
  while (readSync(file, buffer) > 0);
  closeSync(file);
}

/** What the process has in memory (`VmRSS`), or the most that it ever had (`VmHWM`), bytes. */
function resident(field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)![1]) * 1024;
}
