import { threadId } from 'node:worker_threads';

let last = threadId * 2 ** 40;

/** A number for a group or a collective, unlike any other in this process: its worker threads share the addon. */
export function nextNumber(): number {
  last += 1;
  return last;
}
