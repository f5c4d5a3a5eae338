// What fills a GPU, in bfloat16, beside PyTorch eager in the same run: a table of times and rates, then the bars.
// --tiny: sizes that any machine does in seconds; the bars then mean nothing and are not held.
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
} from '@thinkrl/tfjs-backend-torch';
import { type Answer, pythonCommand } from './gpu/exchange.ts';
import { LineProcess } from './gpu/line-process.ts';
import { print, type Row, shareOfDense, slower } from './gpu/table.ts';
import { median } from './median.ts';

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

function ourSeconds(run: () => void): number[] {
  return Array.from({ length: repeats + 1 }, () => {
    synchronize();
    const start = performance.now();
    run();
    synchronize();
    return (performance.now() - start) / 1e3;
  });
}

/** Rounds of one case on both sides in turn; the first run of each round warms up. */
async function measure(peer: LineProcess, { name, size, work, prepare }: Case): Promise<Row> {
  const seconds = { ours: [] as number[], peer: [] as number[] };
  let peak: number | null = null;
  const run = prepare(size);
  resetPeakMemory();
  for (let round = 0; round < rounds; round++) {
    seconds.ours.push(...ourSeconds(run).slice(1));
    const answer = await peer.ask<Answer>({ name, size, device, threads, repeats: repeats + 1 });
    seconds.peer.push(...answer.seconds.slice(1));
    peak = answer.peak;
  }
  return {
    name,
    work,
    ours: { seconds: median(seconds.ours), peak: memoryStatistics().peakBytes },
    peer: { seconds: median(seconds.peer), peak },
  };
}

/** The bars: within 5 % of PyTorch everywhere, and a block at 55 % of the dense rate at least. */
function broken(rows: readonly Row[]): readonly string[] {
  const share = shareOfDense(rows.at(-1)!, rows);
  const shares = share < 0.55 ? [`the block runs at ${(100 * share).toFixed(0)} % of the dense rate`] : [];
  return [...slower(rows), ...shares];
}

async function main(): Promise<void> {
  registerTorch();
  await registerGradients();
  setDevice(device);
  setThreads(threads);
  await tf.setBackend('torch');
  tf.env().set('IS_TEST', false);
  const peer = new LineProcess(pythonCommand(fileURLToPath(new URL('gpu/kernels.py', import.meta.url))));
  const rows: Row[] = [];
  for (const entry of cases()) {
    rows.push(await measure(peer, entry));
    tf.dispose(made.splice(0));
  }
  await peer.end();
  const { version } = torchFacts();
  print(rows, `libtorch ${version} on ${device}, bfloat16, forward and backward (matmul: forward alone)`);
  if (tiny) return;
  for (const line of broken(rows)) {
    console.log(`bar not met: ${line}`);
    process.exitCode = 1;
  }
}

await main();
