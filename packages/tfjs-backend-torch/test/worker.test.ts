import { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { bindingPath } from '../src/index.ts';
import { useTorch, values } from './torch.ts';

beforeAll(useTorch);

const script = `
const { parentPort, workerData } = require('node:worker_threads');
const native = require(workerData.path);
const mailbox = new Float64Array(1 << 17);
const released = new Int32Array(1 << 12);
native.attach(mailbox, released);
const names = native.names();
const call = (name, ...args) => { args.forEach((value, i) => { mailbox[i] = value; }); native.invoke(names.indexOf(name)); return mailbox[(1 << 16) + 1]; };
mailbox.set([0, 1, 3]);
native.upload(Float32Array.from(workerData.numbers));
let handle = mailbox[(1 << 16) + 1];
for (let i = 0; i < 500; i++) { const next = call('neg', handle); released[1] = handle; released[0] = 1; handle = next; }
let fault = '';
try { call('matmul', handle, handle, 0, 0); } catch (error) { fault = error.message; }
const out = new Float32Array(3);
native.download(handle, out);
parentPort.postMessage({ out: Array.from(out), fault, live: native.memory().tensors });
`;

function runWorker(numbers: number[]): Promise<{ out: number[]; fault: string; live: number }> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, { eval: true, workerData: { path: bindingPath(), numbers } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

it('runs in two workers and the main thread at once, each with tensors of its own', async () => {
  const here = tf.tensor1d([1, 2, 3]);
  const [first, second] = await Promise.all([runWorker([1, 2, 3]), runWorker([4, 5, 6])]);
  expect(first!.out).toEqual([1, 2, 3]);
  expect(second!.out).toEqual([4, 5, 6]);
  expect(first!.live).toBe(1);
  expect(second!.fault).toMatch(/^matmul: .*\(inputs: float32 \[3\], float32 \[3\]\)$/);
  expect(values(here)).toEqual([1, 2, 3]);
  here.dispose();
});
