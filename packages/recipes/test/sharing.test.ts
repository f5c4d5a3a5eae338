import { expect, it } from 'vitest';
import { runRanks } from './launch-ranks.ts';

it('ranks that wait in a group of some of them hear why a rank of it failed', async () => {
  const [first, failed, third, fourth] = await runRanks(4, 'sharing-in-a-process.ts', []);
  expect(failed).toMatch(/RangeError: no more room/);
  // The first waits within its node, the fourth across nodes, the third for the fourth.
  expect(first).toMatch(/rank 1.*said: no more room/);
  expect(fourth).toMatch(/rank 0.*said: no more room/);
  expect(third).toMatch(/rank 1.*said: .*no more room/);
}, 120_000);
