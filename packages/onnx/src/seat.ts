import { Worker } from 'node:worker_threads';
import { NetworkClosedError, NetworkLoadError, NetworkRunError } from './error.ts';
import { unwatch, watchUntilRest } from './exit-guard.ts';
import type { Feeds, NetworkTensor, SentTensor } from './tensor.ts';

/** What a worker thread needs to open its session. */
export interface SeatOptions {
  readonly model: string | Uint8Array;
  /** Session options of onnxruntime-node. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Names of what goes into a network and comes out. */
export interface Signature {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

type Reply =
  | ({ readonly type: 'ready' } & Signature)
  | { readonly type: 'failed'; readonly reason: 'runtime' | 'model'; readonly detail: string }
  | { readonly type: 'done'; readonly outputs: readonly (NetworkTensor & { readonly name: string })[] }
  | { readonly type: 'refused'; readonly detail: string };

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** One worker thread with one session; one run at a time. An idle one does not keep the process alive. */
export class Seat {
  /** Resolves when the session is open. */
  readonly ready: Promise<Signature>;
  private readonly worker: Worker;
  private readonly busy = new Int32Array(new SharedArrayBuffer(4));
  private readonly ended: Promise<void>;
  private waiting: Waiting | null = null;
  private dead = false;

  constructor({ model, settings }: SeatOptions) {
    const { busy } = this;
    busy[0] = 1;
    this.worker = new Worker(new URL('../worker.mjs', import.meta.url), {
      workerData: { model, settings, busy },
      execArgv: [],
    });
    watchUntilRest(busy);
    this.worker.on('message', (reply: Reply) => this.settle((waiting) => waiting.resolve(reply)));
    this.worker.on('error', (cause) =>
      this.fail(new NetworkClosedError('a worker thread failed', { cause })),
    );
    this.ended = new Promise((resolve) => {
      this.worker.once('exit', () => {
        unwatch(busy);
        this.fail(new NetworkClosedError('a worker thread has ended'));
        resolve();
      });
    });
    this.ready = this.reply().then(signatureOf);
    this.ready.catch(() => {});
  }

  /** Whether the thread has ended, so that nothing more can be asked of it. */
  get isDead(): boolean {
    return this.dead;
  }

  /** Runs the network once; the tensors are handed over, not copied. */
  async run(feeds: readonly SentTensor[], outputs: readonly string[]): Promise<Feeds> {
    if (this.dead) throw new NetworkClosedError('a worker thread has ended');
    Atomics.store(this.busy, 0, 1);
    this.worker.ref();
    const reply = this.reply();
    this.worker.postMessage(
      { type: 'run', feeds, outputs },
      feeds.map(({ data }) => data.buffer as ArrayBuffer),
    );
    return outputsOf(await reply);
  }

  /** Ends the thread once it is at rest. */
  async stop(): Promise<void> {
    await this.ready.catch(() => {});
    if (!this.dead) {
      this.worker.ref();
      this.worker.postMessage({ type: 'stop' });
    }
    await this.ended;
  }

  private reply(): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
  }

  private settle(how: (waiting: Waiting) => void): void {
    const { waiting } = this;
    this.waiting = null;
    this.worker.unref();
    if (waiting !== null) how(waiting);
  }

  private fail(error: Error): void {
    this.dead = true;
    this.settle((waiting) => waiting.reject(error));
  }
}

function signatureOf(reply: Reply): Signature {
  if (reply.type === 'failed') throw new NetworkLoadError(reply);
  if (reply.type === 'ready') return { inputs: reply.inputs, outputs: reply.outputs };
  throw new NetworkClosedError(`a worker thread began with ${reply.type}`);
}

function outputsOf(reply: Reply): Feeds {
  if (reply.type === 'refused') throw new NetworkRunError(reply.detail);
  if (reply.type === 'done')
    return Object.fromEntries(reply.outputs.map(({ name, data, dims }) => [name, { data, dims }]));
  throw new NetworkClosedError(`a worker thread answered a run with ${reply.type}`);
}
