import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { ConfigError } from '@thinkrl/spec';
import { NetworkBusyError, NetworkClosedError, NetworkLoadError, NetworkRunError } from './error.ts';
import { Seat, type Signature } from './seat.ts';
import { type Feeds, type SentTensor, toSend } from './tensor.ts';

/** Settings of {@link loadNetwork}. */
export interface NetworkOptions {
  /** Path of an ONNX file, or its bytes. By path, weights in files beside it are found. */
  readonly model: string | Uint8Array;
  /** Worker threads, each with a session of its own and so with a copy of the weights; default 1. */
  readonly workers?: number;
  /** Threads of each session; default 1, which is also the least wasteful beside a training. */
  readonly threads?: number;
  /** Most runs that wait for a worker; more are refused. Default 1024. */
  readonly queue?: number;
  /** Execution providers in order of preference; default `['cpu']`. */
  readonly providers?: readonly string[];
}

/** Options of one run. */
export interface RunOptions {
  /**
   * Takes the run back: it rejects with the signal's reason at once. A run that a worker has begun goes on unheard, since
   * it cannot be broken off.
   */
  readonly signal?: AbortSignal;
  /** The outputs wanted; default all. Those left out are not copied. */
  readonly outputs?: readonly string[];
}

/** A network that is loaded and can be run. */
export interface Network extends Signature {
  /** Runs at once at most. */
  readonly workers: number;
  /** First 16 hexadecimal digits of the SHA-256 of the model file. */
  readonly fingerprint: string;
  /**
   * Runs the network once. The feeds are copied; the caller may use them again.
   *
   * @throws NetworkRunError for feeds that it refuses, NetworkBusyError when too many runs wait, NetworkClosedError after
   * `close`.
   */
  run(feeds: Feeds, options?: RunOptions): Promise<Feeds>;
  /** Takes no more runs, finishes those that were taken, and ends the threads. */
  close(): Promise<void>;
}

/**
 * Loads an ONNX network into worker threads, so that neither the event loop waits for it nor runs for each other.
 *
 * A session never leaves its thread and a thread is only ended at rest, because onnxruntime aborts the process when a
 * thread ends during a run. An idle network does not keep the process alive; a busy one delays its end.
 *
 * @throws ConfigError for an impossible setting, NetworkLoadError without onnxruntime-node or for a model it refuses.
 * @example
 * const network = await loadNetwork({ model: 'classifier.onnx', workers: 2 });
 * const { logits } = await network.run({ picture: { data, dims: [1, 3, 224, 224] } });
 * await network.close();
 */
export async function loadNetwork(options: NetworkOptions): Promise<Network> {
  const { model, workers = 1, threads = 1, queue = 1024, providers = ['cpu'] } = options;
  checkCounts({ workers, threads, queue });
  const settings = {
    executionProviders: [...providers],
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
  const fingerprint = await fingerprintOf(model);
  const seats = Array.from({ length: workers }, () => new Seat({ model, settings }));
  try {
    const [signature] = await Promise.all(seats.map((seat) => seat.ready));
    return new SeatedNetwork({ seats, queue, fingerprint, signature: signature! });
  } catch (error) {
    await Promise.all(seats.map((seat) => seat.stop()));
    throw error;
  }
}

function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [field, value] of Object.entries(counts))
    if (!Number.isInteger(value) || value < 1)
      throw new ConfigError({ field, value, fix: 'use a whole number of at least 1' });
}

async function fingerprintOf(model: string | Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  try {
    if (typeof model === 'string')
      for await (const part of createReadStream(model)) hash.update(part as Buffer);
    else hash.update(model);
  } catch (cause) {
    throw new NetworkLoadError({ reason: 'model', detail: (cause as Error).message }, { cause });
  }
  return hash.digest('hex').slice(0, 16);
}

interface Job {
  readonly feeds: readonly SentTensor[];
  readonly outputs: readonly string[];
  readonly resolve: (outputs: Feeds) => void;
  readonly reject: (error: unknown) => void;
}

interface SeatedParts {
  readonly seats: readonly Seat[];
  readonly queue: number;
  readonly fingerprint: string;
  readonly signature: Signature;
}

class SeatedNetwork implements Network {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly fingerprint: string;
  private readonly seats: readonly Seat[];
  private readonly queue: number;
  private readonly waiting = new Set<Job>();
  private readonly free: Set<Seat>;
  private closing: Promise<void> | null = null;
  private emptied: (() => void) | null = null;

  constructor({ seats, queue, fingerprint, signature }: SeatedParts) {
    this.seats = seats;
    this.free = new Set(seats);
    this.queue = queue;
    this.fingerprint = fingerprint;
    this.inputs = signature.inputs;
    this.outputs = signature.outputs;
  }

  get workers(): number {
    return this.seats.length;
  }

  async run(feeds: Feeds, { signal, outputs = this.outputs }: RunOptions = {}): Promise<Feeds> {
    signal?.throwIfAborted();
    if (this.closing !== null) throw new NetworkClosedError('the network is closed');
    const unknown = outputs.filter((name) => !this.outputs.includes(name));
    if (unknown.length > 0)
      throw new NetworkRunError(
        `no output ${unknown.join(', ')}; the outputs are ${this.outputs.join(', ')}`,
      );
    const sent = toSend(feeds, this.inputs);
    if (this.free.size === 0 && this.waiting.size >= this.queue)
      throw new NetworkBusyError({ queue: this.queue });
    return new Promise((resolve, reject) => {
      this.waiting.add(this.job({ feeds: sent, outputs, resolve, reject }, signal));
      this.serve();
    });
  }

  close(): Promise<void> {
    this.closing ??= this.drain();
    return this.closing;
  }

  /** The job; its signal takes it out of the queue, or lets go of its result where it has begun. */
  private job(job: Job, signal: AbortSignal | undefined): Job {
    if (signal === undefined) return job;
    const taken = () => {
      this.waiting.delete(watched);
      job.reject(signal.reason);
    };
    signal.addEventListener('abort', taken, { once: true });
    const deaf = () => signal.removeEventListener('abort', taken);
    const watched: Job = {
      ...job,
      resolve(outputs) {
        deaf();
        job.resolve(outputs);
      },
      reject(error) {
        deaf();
        job.reject(error);
      },
    };
    return watched;
  }

  /** Gives waiting runs to free threads, first come, first served; tells when nothing waits or runs. */
  private serve(): void {
    if (this.seats.every((seat) => seat.isDead)) this.refuseAll();
    for (const job of this.waiting) {
      const [seat] = this.free;
      if (seat === undefined) return;
      this.waiting.delete(job);
      this.free.delete(seat);
      void this.occupy(seat, job);
    }
    if (this.free.size === this.seats.length) this.emptied?.();
  }

  private async occupy(seat: Seat, { feeds, outputs, resolve, reject }: Job): Promise<void> {
    await seat.run(feeds, outputs).then(resolve, reject);
    this.free.add(seat);
    this.serve();
  }

  private refuseAll(): void {
    for (const { reject } of this.waiting) reject(new NetworkClosedError('all worker threads have ended'));
    this.waiting.clear();
  }

  private async drain(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.emptied = resolve;
      this.serve();
    });
    await Promise.all(this.seats.map((seat) => seat.stop()));
  }
}
