import { Worker } from 'node:worker_threads';
import { NetworkClosedError } from './error.ts';
import { unwatch, watchUntilRest } from './exit-guard.ts';

/** What a {@link RestingWorker} runs. */
export interface RestingWorkerOptions {
  /** A script that keeps the contract of {@link RestingWorker}. */
  readonly script: URL;
  /** Becomes `workerData`, with the number `busy` beside it. */
  readonly data: Readonly<Record<string, unknown>>;
}

interface Waiting<Reply> {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A worker thread that runs onnxruntime, itself or by some library, one request at a time. It is only ended at rest,
 * since onnxruntime aborts the process when a thread ends during a run: the end of the process waits for it. At rest it
 * does not keep the process alive.
 *
 * Contract of the script: it opens what it needs, then answers every message with one; before each answer, the first
 * included, it sets `workerData.busy[0]` to 0 and notifies. On `{ type: 'stop' }` it lets go of everything and closes.
 */
export class RestingWorker<Reply> {
  /** The first message, sent when all is open. */
  readonly opened: Promise<Reply>;
  private readonly worker: Worker;
  private readonly busy = new Int32Array(new SharedArrayBuffer(4));
  private readonly ended: Promise<void>;
  private waiting: Waiting<Reply> | null = null;
  private dead = false;

  constructor({ script, data }: RestingWorkerOptions) {
    const { busy } = this;
    busy[0] = 1;
    this.worker = new Worker(script, { workerData: { ...data, busy }, execArgv: [] });
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
    this.opened = this.reply();
    this.opened.catch(() => {});
  }

  /** Whether the thread has ended, so that nothing more can be asked of it. */
  get isDead(): boolean {
    return this.dead;
  }

  /** Asks and waits for the answer; `transfer` is handed over, not copied. Throws NetworkClosedError of a dead thread. */
  async ask(message: object, transfer: readonly ArrayBuffer[] = []): Promise<Reply> {
    if (this.dead) throw new NetworkClosedError('a worker thread has ended');
    Atomics.store(this.busy, 0, 1);
    this.worker.ref();
    const reply = this.reply();
    this.worker.postMessage(message, transfer);
    return reply;
  }

  /** Ends the thread once it is at rest. */
  async stop(): Promise<void> {
    await this.opened.catch(() => {});
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

  private settle(how: (waiting: Waiting<Reply>) => void): void {
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
