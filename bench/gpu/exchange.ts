import { fileURLToPath } from 'node:url';
import { LineProcess } from './line-process.ts';
import type { CaseName, ModelName, Sizes } from './sizes.ts';

/** Names and shapes of a model's parameters. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/** What a side is told first. */
export interface Setup {
  readonly model: ModelName;
  readonly device: string;
  readonly threads: number;
  readonly storage: 'float32' | 'bfloat16';
  readonly sizes: Sizes;
  readonly shapes: Readonly<Record<'transformer' | 'adapter' | 'language', Shapes>>;
  /** Safetensors file of the inputs. */
  readonly inputs: string;
  /** Position of the token after the prompt. */
  readonly next: number;
  /** Whether our side trains under `fullyShard` in a world of one. */
  readonly sharded?: boolean;
  /** Safetensors file of all weights; random ones of the side's own where it is null. */
  readonly weights: string | null;
}

/** One case to run so often. */
export interface Request {
  readonly name: CaseName;
  readonly repeats: number;
  /** Whether to answer with what the last run came to. */
  readonly show: boolean;
}

/** What running a case took. */
export interface Answer {
  readonly seconds: readonly number[];
  /** The most bytes in live tensors; null where nobody counts them. */
  readonly peak: number | null;
  readonly values?: readonly number[];
}

/** The two that are compared. */
export type SideName = 'ours' | 'peer';

/**
 * A side in a process of its own, which holds one model's weights until it is ended: the memory of a GPU then goes back
 * before the other side's turn.
 */
export class Side {
  private readonly process: LineProcess;
  /** Version of the side's library. */
  readonly version: Promise<string>;

  constructor(name: SideName, setup: Setup) {
    this.process = new LineProcess(commandOf(name));
    this.version = this.process.ask<{ version: string }>(setup).then(({ version }) => version);
  }

  /** Runs a case. */
  async ask(request: Request): Promise<Answer> {
    await this.version;
    return this.process.ask<Answer>(request);
  }

  /** Ends the process and waits until it is gone. */
  end(): Promise<void> {
    return this.process.end();
  }
}

/** A script under the python3 with torch. */
export function pythonCommand(script: string): readonly string[] {
  return [process.env.BENCH_PYTHON ?? 'python3', '-B', script];
}

function commandOf(name: SideName): readonly string[] {
  const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
  if (name === 'peer') return pythonCommand(path('peer.py'));
  return [process.execPath, ...process.execArgv, path('ours.ts')];
}
