import { readFileSync, writeFileSync } from 'node:fs';
import { loadParameters, openSafetensors } from '@thinkrl/nn';
import { memoryStatistics } from '@thinkrl/tfjs-backend-torch';
import { PARTS } from './parts.ts';

/** What loading one shard took. */
export interface Loaded {
  /** Of the tensors on the device. */
  readonly bytes: number;
  /** The process's own memory before it loaded anything: Node, libtorch and the model without weights. */
  readonly start: number;
  /** The most that it had while it loaded. */
  readonly most: number;
  readonly seconds: number;
  /** Seconds of processor time. */
  readonly processor: number;
}

/** Loads the parameters that lie in one file of a part. */
export function loadShard(part: string, path: string): Loaded {
  const { build, tensors, halves } = PARTS[part]!;
  const parameters = build().parameters();
  const shard = openSafetensors(path);
  const found = tensors(shard.tensors);
  const own = new Map([...found.keys()].map((name) => [name, parameters.get(name)!] as const));
  const { allocatedBytes: before } = memoryStatistics();
  forgetMost();
  const start = resident('VmRSS');
  const [clock, busy] = [performance.now(), process.cpuUsage()];
  loadParameters(own, found, { ...(halves && { halves }) });
  const [seconds, used] = [(performance.now() - clock) / 1000, process.cpuUsage(busy)];
  return {
    bytes: memoryStatistics().allocatedBytes - before,
    ...{ start, most: resident('VmHWM'), seconds },
    processor: (used.user + used.system) / 1e6,
  };
}

/** Lets `VmHWM` begin anew. */
function forgetMost(): void {
  writeFileSync('/proc/self/clear_refs', '5');
}

/** What the process has in memory (`VmRSS`), or the most that it had (`VmHWM`), bytes; the page cache is not in it. */
function resident(field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)![1]) * 1024;
}
