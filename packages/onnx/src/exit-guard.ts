/** Longest that the end of the process waits for one run, in ms. */
const PATIENCE = 60_000;

const watched = new Set<Int32Array>();

/**
 * Ending the process ends its threads, and a thread that is ended during a run of onnxruntime aborts the process. So the
 * end waits for those at work: each tells by one shared number, 0 at rest and 1 at work.
 */
export function watchUntilRest(busy: Int32Array): void {
  if (watched.size === 0) process.on('exit', waitForAll);
  watched.add(busy);
}

/** Forgets a thread that has ended. */
export function unwatch(busy: Int32Array): void {
  watched.delete(busy);
  if (watched.size === 0) process.off('exit', waitForAll);
}

function waitForAll(): void {
  for (const busy of watched) Atomics.wait(busy, 0, 1, PATIENCE);
}
