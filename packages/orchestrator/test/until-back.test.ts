import { expect, it } from 'vitest';
import { untilBack } from '../src/index.ts';

class Away extends Error {}
const isAway = (error: unknown) => error instanceof Away;

/** Work that fails so many times before it gives its number of attempts. */
function failing(times: number, error: (attempt: number) => Error = () => new Away('no server')) {
  let attempts = 0;
  return async () => {
    attempts += 1;
    if (attempts <= times) throw error(attempts);
    return attempts;
  };
}

it('works again after pauses that double, until it is done', async () => {
  const pauses: [number, unknown][] = [];
  const onPause = (seconds: number, error: unknown) => pauses.push([seconds, (error as Error).message]);
  const done = untilBack(failing(4), { isAway, firstPause: 0.001, longestPause: 0.003, onPause });
  expect(await done).toBe(5);
  expect(pauses).toEqual([0.001, 0.002, 0.003, 0.003].map((seconds) => [seconds, 'no server']));
});

it('lets other failures through, also after an outage', async () => {
  const error = (attempt: number) => (attempt < 3 ? new Away() : new Error('refused'));
  await expect(untilBack(failing(9, error), { isAway, firstPause: 0.001 })).rejects.toThrow('refused');
});

it('stops waiting when it is told to', async () => {
  const stop = new AbortController();
  const options = { isAway, firstPause: 100, signal: stop.signal, onPause: () => stop.abort() };
  await expect(untilBack(failing(9), options)).rejects.toMatchObject({ name: 'AbortError' });
});
