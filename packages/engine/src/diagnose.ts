import { existsSync } from 'node:fs';
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
  /** Whether there is a GPU that the engine can use. */
  readonly cuda: boolean;
  /** The CUDA that libtorch was built with; absent from one for CPUs. */
  readonly cudaVersion?: string;
  /** One line per thing that is missing, with how to get it. */
  readonly missing: readonly string[];
}

/** What keeps the engine from a GPU, where there seems to be one: NVIDIA's driver is loaded. */
function lackOfCuda(cuda: boolean, version: string | undefined): readonly string[] {
  if (cuda || !existsSync('/proc/driver/nvidia')) return [];
  return version === undefined
    ? ['CUDA: this libtorch was built without: pip install torch, then npx thinkrl-build-torch']
    : [`CUDA: libtorch has CUDA ${version} but sees no GPU: nvidia-smi must list one; update its driver`];
}

/** Looks at what is installed without choosing an engine. */
export async function diagnoseEngine(): Promise<EngineDiagnosis> {
  try {
    const { version: libtorch, configuration, gpus, ...facts } = (await importTorch()).torchFacts();
    const slow = facts.blas.startsWith('reference')
      ? ['OpenBLAS: apt-get install libopenblas-dev (matmul is 30 times slower without)']
      : [];
    const missing = [...slow, ...lackOfCuda(facts.cuda, facts.cudaVersion)];
    return { engine: 'torch', libtorch, ...facts, missing };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { engine: 'wasm', device: 'cpu', threads: availableParallelism(), cuda: false, missing: [reason] };
  }
}
