import { NetworkClosedError, NetworkLoadError, NetworkRunError } from './error.ts';
import { RestingWorker } from './resting-worker.ts';
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

/** One session in a thread of its own; one run at a time. */
export class Seat {
  /** Resolves when the session is open. */
  readonly ready: Promise<Signature>;
  private readonly worker: RestingWorker<Reply>;

  constructor({ model, settings }: SeatOptions) {
    const script = new URL('../worker.mjs', import.meta.url);
    this.worker = new RestingWorker({ script, data: { model, settings } });
    this.ready = this.worker.opened.then(signatureOf);
    this.ready.catch(() => {});
  }

  /** Whether the thread has ended, so that nothing more can be asked of it. */
  get isDead(): boolean {
    return this.worker.isDead;
  }

  /** Runs the network once; the tensors are handed over, not copied. */
  async run(feeds: readonly SentTensor[], outputs: readonly string[]): Promise<Feeds> {
    const buffers = feeds.map(({ data }) => data.buffer as ArrayBuffer);
    return outputsOf(await this.worker.ask({ type: 'run', feeds, outputs }, buffers));
  }

  /** Ends the thread once it is at rest. */
  stop(): Promise<void> {
    return this.worker.stop();
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
