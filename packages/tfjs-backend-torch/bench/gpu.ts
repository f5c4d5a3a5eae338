// What fills a GPU, in bfloat16, beside PyTorch eager in the same run: a table of times and rates, then the bars.
// --tiny: sizes that any machine does in seconds; the bars then mean nothing and are not held.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import {
  castStorage,
  memoryStatistics,
  registerGradients,
  registerTorch,
  resetPeakMemory,
  setDevice,
  setThreads,
  synchronize,
  torchFacts,
} from '../src/index.ts';

interface Size {
  readonly tokens: number;
  readonly width: number;
  readonly heads: number;
  /** Width of one head. */
  readonly size: number;
}

interface Case {
  readonly name: 'matmul' | 'attention' | 'block';
  readonly size: Size;
  /** Floating-point operations of one run. */
  readonly work: number;
  /** Makes the inputs; the result runs once and frees what it made. */
  readonly prepare: (size: Size) => () => void;
}

interface Answer {
  readonly ms: readonly number[];
  readonly peak: number | null;
  readonly version: string;
}

const device = process.env.THINKRL_DEVICE ?? 'cuda:0';
const threads = Number(process.env.BENCH_THREADS ?? 2);
const tiny = process.argv.includes('--tiny');
const [rounds, repeats] = tiny ? [2, 2] : [5, 10];

function kernel(name: string, inputs: Record<string, tf.Tensor>, attributes: object = {}): tf.Tensor {
  const result: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(name, inputs, attributes as never);
  return Array.isArray(result) ? result[0]! : result;
}

const made: tf.Tensor[] = [];

/** Normal numbers in bfloat16; they live until the end of their case. */
function normal(shape: readonly number[], std = 1): tf.Tensor {
  const seed = made.length + 1;
  const wide = kernel('SeededNormal', {}, { shape, seed, mean: 0, std });
  const x = castStorage(wide, 'bfloat16');
  wide.dispose();
  made.push(x);
  return x;
}

function matmul({ width }: Size): () => void {
  const [x, weight] = [normal([width, width]), normal([width, width])];
  return () => kernel('Linear', { x, weight }).dispose();
}

function attention({ tokens, heads, size }: Size): () => void {
  const inputs = [1, 2, 3].map(() => normal([1, tokens, heads, size]));
  const dy = normal([1, tokens, heads, size]);
  const slopes = tf.grads((query, key, value) => kernel('Attention', { query, key, value }));
  return () => tf.dispose(slopes(inputs, dy));
}

function block({ tokens, width, heads }: Size): () => void {
  const shapes: Record<string, readonly number[]> = {
    attentionGain: [width],
    attentionBias: [width],
    qkvWeight: [3 * width, width],
    qkvBias: [3 * width],
    outputWeight: [width, width],
    outputBias: [width],
    forwardGain: [width],
    forwardBias: [width],
    upWeight: [4 * width, width],
    upBias: [4 * width],
    downWeight: [width, 4 * width],
    downBias: [width],
  };
  const names = ['x', ...Object.keys(shapes)];
  const x = normal([1, tokens, width]);
  const inputs = [x, ...Object.values(shapes).map((shape) => normal(shape, 0.02))];
  const dy = normal([1, tokens, width]);
  const slopes = tf.grads((...values) => {
    const given = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
    return kernel('TransformerBlock', given, { heads, keep: true });
  });
  return () => tf.dispose(slopes(inputs, dy));
}

/** Forward and backward of attention: two products and five, as FlashAttention counts them. */
function attentionWork({ tokens, heads, size }: Size): number {
  return 3.5 * 4 * tokens ** 2 * heads * size;
}

function cases(): readonly Case[] {
  const full = { tokens: 8192, width: 4096, heads: 32, size: 128 };
  const model = tiny ? { tokens: 64, width: 64, heads: 2, size: 32 } : full;
  const wide = { ...model, width: tiny ? 64 : 8192 };
  const many = { ...model, heads: tiny ? 3 : 24 };
  return [
    { name: 'matmul', size: wide, work: 2 * wide.width ** 3, prepare: matmul },
    { name: 'attention', size: many, work: attentionWork(many), prepare: attention },
    {
      name: 'block',
      size: model,
      work: 3 * 24 * model.tokens * model.width ** 2 + attentionWork(model),
      prepare: block,
    },
  ];
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
}

/** PyTorch in a process of its own, which answers one request at a time. */
class Peer {
  readonly process: ChildProcess;
  readonly lines: Interface;

  constructor() {
    const script = fileURLToPath(new URL('gpu.py', import.meta.url));
    this.process = spawn(process.env.BENCH_PYTHON ?? 'python3', [script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.lines = createInterface({ input: this.process.stdout! });
  }

  ask({ name, size }: Case): Promise<Answer> {
    const answer = new Promise<Answer>((resolve, reject) => {
      this.lines.once('line', (line) => resolve(JSON.parse(line)));
      this.process.once('exit', (code) => reject(new Error(`PyTorch ended with ${code}`)));
    });
    this.process.stdin!.write(`${JSON.stringify({ name, size, device, threads, repeats: repeats + 1 })}\n`);
    return answer;
  }
}

function ourTimes(run: () => void): number[] {
  return Array.from({ length: repeats + 1 }, () => {
    synchronize();
    const start = performance.now();
    run();
    synchronize();
    return performance.now() - start;
  });
}

interface Row {
  readonly name: string;
  readonly ours: number;
  readonly theirs: number;
  readonly work: number;
  readonly peaks: readonly [number, number | null];
}

/** Rounds of one case on both sides in turn; the first run of each round warms up. */
async function measure(peer: Peer, entry: Case): Promise<Row> {
  const ours: number[] = [];
  const theirs: number[] = [];
  let peak: number | null = null;
  const run = entry.prepare(entry.size);
  resetPeakMemory();
  for (let round = 0; round < rounds; round++) {
    ours.push(...ourTimes(run).slice(1));
    const answer = await peer.ask(entry);
    theirs.push(...answer.ms.slice(1));
    peak = answer.peak;
  }
  const peaks = [memoryStatistics().peakBytes, peak] as const;
  return { name: entry.name, ours: median(ours), theirs: median(theirs), work: entry.work, peaks };
}

function rate(work: number, ms: number): number {
  return work / ms / 1e9;
}

function gigabytes(bytes: number | null): string {
  return bytes === null ? '-' : (bytes / 1e9).toFixed(2);
}

function table(rows: readonly Row[]): void {
  const dense = rate(rows[0]!.work, rows[0]!.theirs);
  const cells = (list: readonly string[]) => console.log(list.map((text) => text.padStart(13)).join(''));
  cells([
    'case',
    'ours ms',
    'PyTorch ms',
    'ratio',
    'ours TFLOP/s',
    'PyTorch',
    '% of dense',
    'ours GB',
    'PyTorch GB',
  ]);
  for (const { name, ours, theirs, work, peaks } of rows) {
    const rates = [rate(work, ours), rate(work, theirs)] as const;
    cells([
      name,
      ours.toFixed(3),
      theirs.toFixed(3),
      (ours / theirs).toFixed(3),
      rates[0].toFixed(1),
      rates[1].toFixed(1),
      ((100 * rates[0]) / dense).toFixed(0),
      ...peaks.map(gigabytes),
    ]);
  }
}

/** The bars: within 5 % of PyTorch everywhere, and a block at 55 % of the dense rate at least. */
function broken(rows: readonly Row[]): readonly string[] {
  const dense = rate(rows[0]!.work, rows[0]!.theirs);
  const slow = rows
    .filter(({ ours, theirs }) => ours > 1.05 * theirs)
    .map(({ name }) => `${name} is slower than PyTorch`);
  const last = rows.at(-1)!;
  const share = rate(last.work, last.ours) / dense;
  return share < 0.55 ? [...slow, `the block runs at ${(100 * share).toFixed(0)} % of the dense rate`] : slow;
}

async function main(): Promise<void> {
  registerTorch();
  await registerGradients();
  setDevice(device);
  setThreads(threads);
  await tf.setBackend('torch');
  tf.env().set('IS_TEST', false);
  const peer = new Peer();
  const rows: Row[] = [];
  for (const entry of cases()) {
    rows.push(await measure(peer, entry));
    tf.dispose(made.splice(0));
  }
  peer.process.removeAllListeners('exit');
  peer.process.kill();
  const { version } = torchFacts();
  console.log(`libtorch ${version} on ${device}, bfloat16, forward and backward (matmul: forward alone)`);
  table(rows);
  if (tiny) return;
  for (const line of broken(rows)) {
    console.log(`bar not met: ${line}`);
    process.exitCode = 1;
  }
}

await main();
