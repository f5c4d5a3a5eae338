import { setTimeout } from 'node:timers/promises';

/** Reads a clock, seconds: the wall clock, or CPU time, which other programs on the machine disturb less. */
export function clockOf(name: string): () => number {
  if (name !== 'cpu') return () => performance.now() / 1000;
  return () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
}

/** Lets the worker threads of the side before fall asleep. */
export async function rest(): Promise<void> {
  await setTimeout(100);
}
