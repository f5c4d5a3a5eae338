import { availableParallelism } from 'node:os';
import { backend, env, ready, setBackend } from '@tensorflow/tfjs-core';
import { ConfigError } from '@thinkrl/spec';
import { EngineError } from './error.ts';
import { startCpu, startWasm } from './plain.ts';
import type { EngineName, EngineReport } from './report.ts';
import { startTensorFlow } from './tensorflow.ts';
import { importTorch, type Place, startTorch, torchDevice } from './torch.ts';

/** Which engine, on which device and how many threads, and who hears notices. */
export interface EngineOptions {
  readonly engine?: EngineName;
  /** `cpu`, or `cuda:N` which the torch engine alone has; by default what `THINKRL_DEVICE` says to that engine, else `cpu`. */
  readonly device?: string;
  /** Threads of one operation; by default all cores this process may use. */
  readonly threads?: number;
  /** Receives one line when the engine is not the one a user would expect; by default it goes to stderr. */
  readonly onNotice?: (line: string) => void;
}

const names: readonly EngineName[] = ['auto', 'torch', 'tensorflow', 'wasm', 'cpu'];

const starters: Readonly<Record<EngineReport['name'], (place: Place) => Promise<EngineReport>>> = {
  torch: startTorch,
  tensorflow: ({ threads }) => startTensorFlow(threads),
  wasm: ({ threads }) => startWasm(threads),
  cpu: startCpu,
};

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function start(engine: EngineReport['name'], place: Place): Promise<EngineReport> {
  try {
    if (engine !== 'torch' && (place.device ?? 'cpu') !== 'cpu')
      throw new Error(`it has no device ${place.device}: use engine torch`);
    const report = await starters[engine](place);
    if (!(await setBackend(report.name))) throw new Error('its backend does not start');
    await ready();
    // The plain engine would advise, at its first tensor, to install another one.
    if (engine === 'cpu') Object.assign(backend(), { firstUse: false });
    return report;
  } catch (cause) {
    throw new EngineError({ engine, reason: reasonOf(cause) }, { cause });
  }
}

async function startBest(place: Place): Promise<EngineReport> {
  try {
    return await start('torch', place);
  } catch (error) {
    if (torchDevice(place) !== 'cpu') throw error;
    const notice = `${reasonOf(error)}; using wasm, which is some 30 times slower`;
    return { ...(await start('wasm', place)), notice };
  }
}

/**
 * Chooses the tensor engine for this process, makes it tfjs's active backend and waits until it is ready.
 *
 * `auto` (the default) takes `torch`, else `wasm` with a one-line notice that says what to install; it does not fall back
 * from a GPU that was asked for.
 *
 * @throws EngineError when an engine or a device asked for by name cannot be used.
 * @throws ConfigError for an unknown name or a thread count below 1.
 * @example
 * const report = await useEngine({ engine: 'auto', threads: 2 });
 * console.log(`${report.name} ${report.version} on ${report.threads} threads`);
 */
export async function useEngine(options: EngineOptions = {}): Promise<EngineReport> {
  const { engine = 'auto', device, threads = availableParallelism() } = options;
  if (!names.includes(engine))
    throw new ConfigError({ field: 'engine', value: engine, fix: `use ${names.join(', ')}` });
  if (!Number.isInteger(threads) || threads < 1) {
    throw new ConfigError({ field: 'threads', value: threads, fix: 'use an integer of at least 1' });
  }
  env().set('IS_TEST', false);
  await (await importTorch()).registerGradients();
  const place = { device, threads };
  const report = engine === 'auto' ? await startBest(place) : await start(engine, place);
  const tell = options.onNotice ?? ((line: string) => process.stderr.write(`${line}\n`));
  if (report.notice !== undefined) tell(report.notice);
  return report;
}
