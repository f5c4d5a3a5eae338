// The body of a worker thread: an engine of its own, one training, its result by message.
import { parentPort, workerData } from 'node:worker_threads';
import { useTorch } from './torch.ts';
import { train } from './training.ts';

await useTorch();
parentPort!.postMessage(train(workerData as number));
