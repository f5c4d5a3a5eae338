import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { checkpoint, gradients, type ParameterMap, TransformerBlock } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { memoryStatistics, resetPeakMemory } from '@thinkrl/tfjs-backend-torch';
import { type Case, editorStep, understanderStep } from './engine/cases.ts';
import { type MicroData, microData, peerSettings } from './engine/data.ts';
import { Peer } from './micro/peer.ts';

const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '2000' },
    threads: { type: 'string', default: '2' },
    python: { type: 'string', default: '/usr/bin/python3' },
  },
});
const steps = Number(options.steps);
const threads = Number(options.threads);
const MB = 2 ** 20;

const cases: Readonly<Record<string, (data: MicroData) => Case>> = { editorStep, understanderStep };

// When V8 collects by itself is a matter of its own: residence is read after it was asked to.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

await useEngine({ engine: 'torch', threads });
const data = await microData();
const trained = [];
for (const [name, make] of Object.entries(cases)) trained.push(await train(name, make(data)));
const columns = [
  'training step',
  'step',
  'resident, MB',
  'of it JavaScript heap, MB',
  'live tensors',
  'taken by a step, MB',
  'by one of PyTorch, MB',
];
console.log(`| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`);
for (const { name, rows, request } of trained) {
  const theirs = await growthOfPeer(request);
  for (const { step, tensors, resident, heap, taken } of rows) {
    const [all, javascript, ours, peers] = [resident, heap, taken, theirs].map((bytes) =>
      (bytes / MB).toFixed(0),
    );
    console.log(`| ${[name, step, all, javascript, tensors, ours, peers].join(' | ')} |`);
  }
}
console.log('\n| blocks of 256 x 64 x 128 | peak live, MB | checkpointed, MB |\n|---|---|---|');
for (const depth of [2, 4, 8, 16]) {
  const row = [depth, peakOfStack(depth, false), peakOfStack(depth, true)];
  console.log(`| ${row.map((cell) => (Number.isInteger(cell) ? cell : cell.toFixed(1))).join(' | ')} |`);
}

/** Resident memory, tensors and peak at some of many steps; without waiting, which makes V8 shrink its heap and grow it again. */
async function train(name: string, work: Case) {
  const { allocatedBytes: before } = memoryStatistics();
  resetPeakMemory();
  const rows = [];
  for (let step = 1; step <= steps; step++) {
    await work.run();
    await new Promise(setImmediate);
    if (![0.05, 0.25, 0.5, 0.75, 1].some((share) => step === Math.round(share * steps))) continue;
    collectGarbage();
    const { rss: resident, heapTotal: heap } = process.memoryUsage();
    const { numTensors: tensors } = tf.memory();
    rows.push({ step, resident, heap, tensors, taken: memoryStatistics().peakBytes - before });
  }
  work.dispose();
  return { name, rows, request: work.request };
}

/** By how many bytes the peer's resident memory is larger after 50 steps than before the first. */
async function growthOfPeer(request: Case['request']): Promise<number> {
  const peer = new Peer({ python: options.python, threads });
  try {
    await peer.ask('load', peerSettings(threads));
    await peer.ask('prepare', request);
    const { resident: before } = await peer.ask('memory');
    await peer.ask('time', { repeats: 50 });
    const { peak } = await peer.ask('memory');
    return peak - before;
  } finally {
    peer.close();
  }
}

/** Most bytes that are live in the forward and backward pass of a stack of blocks. */
function peakOfStack(depth: number, checkpointed: boolean): number {
  const blocks = Array.from(
    { length: depth },
    (_, i) => new TransformerBlock({ size: 128, heads: 4, key: Key.of(i) }),
  );
  const parameters: ParameterMap = new Map(
    blocks.flatMap((block, i) => [...block.parameters()].map(([name, value]) => [`${i}.${name}`, value])),
  );
  const x = tf.randomNormal<tf.Rank.R3>([256, 64, 128]);
  const run = (block: TransformerBlock) => (input: tf.Tensor) => block.forward(input as tf.Tensor3D);
  const forward = () =>
    blocks.reduce<tf.Tensor>(
      (hidden, block) =>
        checkpointed ? checkpoint(run(block), [...block.parameters().values()])(hidden) : run(block)(hidden),
      x,
    );
  const before = memoryStatistics().allocatedBytes;
  resetPeakMemory();
  gradients(() => ({ loss: tf.mean(tf.square(forward())) as tf.Scalar }), parameters).dispose();
  const { peakBytes } = memoryStatistics();
  tf.dispose([x, ...parameters.values()]);
  return (peakBytes - before) / MB;
}
