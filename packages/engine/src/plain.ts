import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import { version_core } from '@tensorflow/tfjs-core';
import type { EngineReport } from './report.ts';
import { fillWasmGaps } from './wasm-gaps.ts';

/** Registers tfjs's WebAssembly engine with its binaries from the installed package. */
export async function startWasm(threads: number): Promise<EngineReport> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(dirname(main) + sep);
  fillWasmGaps();
  return {
    name: 'wasm',
    version: version_core,
    origin: '@tensorflow/tfjs-backend-wasm',
    threads,
    device: 'cpu',
  };
}

/** Registers tfjs's plain JavaScript engine. */
export async function startCpu(): Promise<EngineReport> {
  await import('@tensorflow/tfjs-backend-cpu');
  return {
    name: 'cpu',
    version: version_core,
    origin: '@tensorflow/tfjs-backend-cpu',
    threads: 1,
    device: 'cpu',
  };
}
