import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { WireArray } from './wire.ts';

/** What one roll-out of the peer took and looked like. */
export interface PeerRollout {
  readonly seconds: number;
  /** Mean tokens per plan and per reflection, the end token included. */
  readonly planWords: number;
  readonly reflectionWords: number;
  /** Chains whose reflection asked for a second edit. */
  readonly fixes: number;
}

/** What one optimiser step of a module took and reported. */
export interface PeerStep {
  readonly seconds: number;
  readonly loss: number;
  readonly gradientNorm: number;
}

interface Replies {
  readonly prepare: object;
  readonly time: { readonly seconds: readonly number[] };
  /** Bytes: resident now, and the most there ever was. */
  readonly memory: { readonly resident: number; readonly peak: number };
  readonly load: { readonly torch: string; readonly threads: number };
  readonly blas: object;
  readonly rollout: PeerRollout;
  readonly update: { readonly understanding: PeerStep; readonly generation: PeerStep };
  readonly check: {
    readonly tokens: WireArray;
    readonly cached: WireArray;
    readonly velocities: WireArray;
    readonly transitions: WireArray;
  };
}

/** How the peer is started. */
export interface PeerOptions {
  readonly python: string;
  readonly threads: number;
}

/** The PyTorch implementation in a process of its own, asked one thing at a time over its standard streams. */
export class Peer {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: Interface;
  private readonly replies: AsyncIterator<string>;

  constructor({ python, threads }: PeerOptions) {
    const script = fileURLToPath(new URL('../peers/micro_loop.py', import.meta.url));
    const count = String(threads);
    const env = { ...process.env, OMP_NUM_THREADS: count, OPENBLAS_NUM_THREADS: count };
    this.child = spawn(python, ['-B', script], { env, stdio: ['pipe', 'pipe', 'inherit'] }) as never;
    this.child.on('error', () => this.lines.close());
    this.child.stdin.on('error', () => {});
    this.lines = createInterface({ input: this.child.stdout });
    this.replies = this.lines[Symbol.asyncIterator]();
  }

  /** Sends a request and waits for its answer. Throws when the peer has died. */
  async ask<Name extends keyof Replies>(name: Name, request: object = {}): Promise<Replies[Name]> {
    this.child.stdin.write(`${JSON.stringify({ do: name, ...request })}\n`);
    const { value, done } = await this.replies.next();
    if (done)
      throw new Error(`the PyTorch peer ended during "${name}"; it needs python3 with torch and numpy`);
    return JSON.parse(value as string) as Replies[Name];
  }

  /**
   * Gives OpenBLAS below the peer one thread or all, whichever takes fewer `seconds`, which depends on machine and work.
   * Returns how many.
   */
  async chooseBlas(threads: number, seconds: () => Promise<number>): Promise<number> {
    const times = new Map<number, number>();
    for (const count of new Set([1, threads])) {
      await this.ask('blas', { threads: count });
      await seconds();
      times.set(count, await seconds());
    }
    const [best] = [...times].sort((a, b) => a[1] - b[1])[0]!;
    await this.ask('blas', { threads: best });
    return best;
  }

  /** Ends the process. */
  close(): void {
    this.child.stdin.end();
  }
}
