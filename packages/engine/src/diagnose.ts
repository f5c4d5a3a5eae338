import { availableParallelism } from 'node:os';
import { importTorch } from './torch.ts';

/** Facts for `thinkrl doctor`: what the engine is, what it runs on and what is missing. */
export interface EngineDiagnosis {
  /** The engine that `auto` would take. */
  readonly engine: 'torch' | 'wasm';
  /** libtorch's version, if the torch engine loads. */
  readonly libtorch?: string;
  readonly origin?: string;
  readonly blas?: string;
  readonly device: string;
  readonly threads: number;
  readonly cuda: boolean;
  /** One line per thing that is missing, with how to get it. */
  readonly missing: readonly string[];
}

/** Looks at what is installed without choosing an engine. */
export async function diagnoseEngine(): Promise<EngineDiagnosis> {
  try {
    const { version, origin, blas, device, threads, cuda } = (await importTorch()).torchFacts();
    const slow = blas.startsWith('reference')
      ? ['OpenBLAS: apt-get install libopenblas-dev (matmul is 30 times slower without)']
      : [];
    return { engine: 'torch', libtorch: version, origin, blas, device, threads, cuda, missing: slow };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { engine: 'wasm', device: 'cpu', threads: availableParallelism(), cuda: false, missing: [reason] };
  }
}
