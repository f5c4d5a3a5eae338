import { expect, it } from 'vitest';
import { ending, startScript, worldVariables } from './ranks/launch.ts';

it.each([
  ['dies', 'die', 1, /rank 1.* has gone/],
  ['throws', 'throw', 1, /rank 1 said: the disk is full/],
  ['keeps the store and throws', 'throw', 0, /rank 0 said: the disk is full/],
  ['hangs', 'hang', 1, /did not answer within 6 s \(timeout\)/],
])(
  'a rank that %s ends each of the others soon, with the cause named',
  async (_, fault, faulty, cause) => {
    const variables = await worldVariables(3);
    const children = variables.map((env) => startScript('faulty-rank.ts', [fault, `${faulty}`], env));
    const ends = children.map(ending);
    const others = await Promise.all(ends.filter((_, rank) => rank !== faulty));
    children[faulty]!.kill('SIGKILL');
    for (const { code, errors } of others) {
      expect(code).toBe(1);
      expect(errors).toMatch(/(all-reduce|reduce-scatter) \d+ of rank \d/);
      expect(errors).toMatch(cause);
    }
    await ends[faulty];
  },
  60_000,
);
