import { type Chain, ConfigError, finalImage, Key, ThinkError } from '@thinkrl/spec';
import { expect, it } from 'vitest';

it('runs the example of the README', async () => {
  const key = Key.of(7);
  const noise = key.fold('noise').fold(3).stream().normal(); // the same on every call
  const brightest = (chains: readonly Chain[]) => chains.map((chain) => Math.max(...finalImage(chain).data));

  const error = new ConfigError({ field: 'groupSize', value: 1, fix: 'use a whole number of at least 2' });
  const known = ThinkError.isInstance(error) && error.code; // THINKRL_CONFIG
  expect(noise).toBe(Key.of(7).fold('noise').fold(3).stream().normal());
  expect(brightest([])).toEqual([]);
  expect(error.message).toBe('groupSize is 1: use a whole number of at least 2');
  expect(known).toBe('THINKRL_CONFIG');
});
