import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@thinkrl/spec';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { worldVariables } from '../../fsdp-shard/test/ranks/launch.ts';
import { partOfBudget } from '../src/judge-budget.ts';
import { linesOf, start, startJudge } from './faults/processes.ts';

const settings = {
  seed: 3,
  iterations: 2,
  engine: { name: 'torch', threads: 1 },
  tasksPerIteration: 4,
  groupSize: 4,
  evaluation: { tasks: 0 },
};

it('is divided whole, nobody goes empty, and the lowest ranks get what is left over', () => {
  const worlds = fc.record({ worldSize: fc.integer({ min: 1, max: 64 }), more: fc.nat(200) });
  fc.assert(
    fc.property(worlds, ({ worldSize, more }) => {
      const requests = worldSize + more;
      const parts = Array.from({ length: worldSize }, (_, rank) =>
        partOfBudget({ field: 'judge.concurrency', requests }, { rank, worldSize }),
      );
      expect(parts.reduce((sum, part) => sum + part, 0)).toBe(requests);
      expect(parts).toEqual([...parts].sort((a, b) => b - a));
      expect(parts[0]! - parts.at(-1)!).toBeLessThanOrEqual(1);
      expect(parts.at(-1)).toBeGreaterThan(0);
    }),
  );
});

it('is refused when it has less than a request for each rank', () => {
  const divide = () => partOfBudget({ field: 'judge.concurrency', requests: 3 }, { rank: 0, worldSize: 4 });
  expect(divide).toThrow(ConfigError);
  expect(divide).toThrow('judge.concurrency is 3: use at least 4, one for each rank');
});

it('holds over all ranks of a run at once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'judge-budget-'));
  const requests = join(folder, 'requests');
  const server = await startJudge(requests, 500);
  const words = [join(folder, 'run'), JSON.stringify(settings), server.url, '/dev/null'];
  const ranks = (await worldVariables(2)).map((env) =>
    start('judged-run.ts', words, { env: { ...env, CONCURRENCY: '3' } }),
  );
  for (const { status, errors } of await Promise.all(ranks.map(({ ended }) => ended)))
    expect({ status, errors }).toMatchObject({ status: 0 });
  await server.end();
  const atOnce = linesOf(requests).map((line) => (JSON.parse(line) as { inside: number }).inside);
  // 2 iterations, 2 ranks, 2 tasks of 4 chains each, a picture or two each.
  expect(atOnce.length).toBeGreaterThanOrEqual(32);
  expect(Math.max(...atOnce)).toBe(3);
}, 300_000);
