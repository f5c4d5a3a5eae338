/**
 * What the work gives, or null when it ended because the signal was aborted.
 *
 * @throws whatever else the work throws.
 * @example
 * const evaluated = await unlessStopped(evaluate(collecting, { tasks, key, signal }), signal);
 */
export async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (isStop(error, signal)) return null;
    throw error;
  }
}

/** Whether work failed because the signal was aborted. */
export function isStop(error: unknown, signal: AbortSignal | undefined): boolean {
  if (!signal?.aborted) return false;
  return error === signal.reason || (error as Error | undefined)?.name === 'AbortError';
}
