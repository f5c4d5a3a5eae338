// A transformer block, forward and backward, beside PyTorch eager in the same run; and what one operation costs.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { registerGradients, registerTorch, setThreads } from '../src/index.ts';

interface Size {
  readonly batch: number;
  readonly tokens: number;
  readonly width: number;
  readonly heads: number;
}

/** Milliseconds per step: elapsed, and of all threads together. */
interface Times {
  readonly wall: number[];
  readonly cpu: number[];
}

type Parameters = Record<string, tf.Tensor>;

function kernel(name: string, inputs: Record<string, tf.Tensor>, attributes: object = {}): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attributes as never) as tf.Tensor;
}

function linear(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  return kernel('Linear', { x, weight, bias });
}

function block(x: tf.Tensor, p: Parameters, { batch, tokens, width, heads }: Size): tf.Tensor {
  const normed = kernel('LayerNorm', { x, gain: p.g1!, bias: p.b1! }, { epsilon: 1e-5 });
  const packed = linear(normed, p.qkv!, p.qkvb!);
  const [query, key, value] = tf
    .split(packed, 3, -1)
    .map((part) => tf.reshape(part, [batch, tokens, heads, width / heads]));
  const scale = 1 / Math.sqrt(width / heads);
  const attended = kernel('Attention', { query: query!, key: key!, value: value! }, { scale, causal: true });
  const mixed = tf.add(x, linear(tf.reshape(attended, [batch, tokens, width]), p.out!, p.outb!));
  const again = kernel('LayerNorm', { x: mixed, gain: p.g2!, bias: p.b2! }, { epsilon: 1e-5 });
  const hidden = kernel('Gelu', { x: linear(again, p.up!, p.upb!) }, { approximate: 'none' });
  return tf.add(mixed, linear(hidden, p.down!, p.downb!));
}

function parameters(width: number): Parameters {
  const shapes: Record<string, number[]> = {
    g1: [width],
    b1: [width],
    qkv: [3 * width, width],
    qkvb: [3 * width],
    out: [width, width],
    outb: [width],
    g2: [width],
    b2: [width],
    up: [4 * width, width],
    upb: [4 * width],
    down: [width, 4 * width],
    downb: [width],
  };
  const normal = (shape: number[], seed: number) =>
    tf.engine().runKernel('SeededNormal', {}, { shape, seed, mean: 0, std: 0.02 }) as tf.Tensor;
  return Object.fromEntries(Object.entries(shapes).map(([name, shape], seed) => [name, normal(shape, seed)]));
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function ourTimes(size: Size, repeats: number, p: Parameters, x: tf.Tensor): Times {
  const names = Object.keys(p);
  const gradients = tf.grads((...values: tf.Tensor[]) => {
    const current = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
    return tf.mean(tf.square(block(x, current, size))) as tf.Scalar;
  });
  const times: Times = { wall: [], cpu: [] };
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    const busy = process.cpuUsage();
    tf.dispose(gradients(Object.values(p)));
    times.wall.push(performance.now() - start);
    const { user, system } = process.cpuUsage(busy);
    times.cpu.push((user + system) / 1e3);
  }
  return times;
}

class Peer {
  readonly process: ChildProcess;
  readonly lines: Interface;

  constructor() {
    const script = fileURLToPath(new URL('block.py', import.meta.url));
    this.process = spawn(process.env.BENCH_PYTHON ?? '/usr/bin/python3', [script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.lines = createInterface({ input: this.process.stdout! });
  }

  times(size: Size, repeats: number, threads: number): Promise<Times> {
    const answer = new Promise<Times>((resolve) =>
      this.lines.once('line', (line) => resolve(JSON.parse(line))),
    );
    this.process.stdin!.write(
      `${size.batch} ${size.tokens} ${size.width} ${size.heads} ${repeats} ${threads}\n`,
    );
    return answer;
  }
}

/** Microseconds per operation: in a tidy without a tape, and forward plus backward on a tape. */
function overhead(): { plain: number; taped: number; kernel: number } {
  const x = tf.ones([2, 2]);
  const count = 200;
  const chain = (value: tf.Tensor) => {
    let y = value;
    for (let i = 0; i < count; i++) y = tf.neg(y);
    return y;
  };
  const direct = () =>
    tf.tidy(() => {
      let y = x;
      for (let i = 0; i < count; i++) y = kernel('Neg', { x: y });
      return y;
    });
  const slope = tf.grad((value: tf.Tensor) => tf.sum(chain(value)));
  const cost = (run: () => tf.Tensor, operations: number) => {
    const times: number[] = [];
    for (let i = 0; i < 300; i++) {
      const start = performance.now();
      run().dispose();
      times.push(((performance.now() - start) / operations) * 1e3);
    }
    return median(times);
  };
  return {
    plain: cost(() => tf.tidy(() => chain(x)), count),
    kernel: cost(direct, count),
    taped: cost(() => slope(x), 2 * count),
  };
}

async function main(): Promise<void> {
  registerTorch();
  await registerGradients();
  await tf.setBackend('torch');
  tf.env().set('IS_TEST', false);
  const threads = Number(process.env.BENCH_THREADS ?? 2);
  setThreads(threads);
  const { plain, taped, kernel: direct } = overhead();
  console.log(
    `per operation: ${direct.toFixed(2)} us as a kernel, ${plain.toFixed(2)} us as a tf op, ${taped.toFixed(2)} us on the tape (forward and backward)`,
  );
  const sizes: Size[] = [
    { batch: 16, tokens: 160, width: 128, heads: 4 },
    { batch: 4, tokens: 64, width: 128, heads: 4 },
    { batch: 4, tokens: 256, width: 384, heads: 6 },
  ];
  const peer = new Peer();
  for (const size of sizes) {
    const p = parameters(size.width);
    const x = tf.randomNormal([size.batch, size.tokens, size.width]);
    const ours: Times = { wall: [], cpu: [] };
    const theirs: Times = { wall: [], cpu: [] };
    for (let round = 0; round < 6; round++) {
      const mine = ourTimes(size, 12, p, x);
      const others = await peer.times(size, 12, threads);
      if (round === 0) continue;
      for (const kind of ['wall', 'cpu'] as const) {
        ours[kind].push(...mine[kind]);
        theirs[kind].push(...others[kind]);
      }
    }
    for (const kind of ['wall', 'cpu'] as const) {
      const [mine, other] = [median(ours[kind]), median(theirs[kind])];
      const ratio = (mine / other).toFixed(2);
      console.log(
        `${JSON.stringify(size)} ${kind}: ours ${mine.toFixed(2)} ms, PyTorch ${other.toFixed(2)} ms, ratio ${ratio}`,
      );
    }
    tf.dispose([p, x]);
  }
  peer.process.kill();
}

await main();
