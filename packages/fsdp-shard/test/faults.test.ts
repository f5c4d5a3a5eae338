import { expect, it } from 'vitest';
import { ending, startScript, worldVariables } from './ranks/launch.ts';

it.each([
  ['dies', 'die', /rank 1.* has gone/],
  ['throws', 'throw', /rank 1 said: the disk is full/],
  ['hangs', 'hang', /did not answer within 6 s \(timeout\)/],
])(
  'a rank that %s ends the others soon, with the cause named',
  async (_, fault, cause) => {
    const variables = await worldVariables(3);
    const children = variables.map((env) => startScript('faulty-rank.ts', [fault], env));
    const ends = children.map(ending);
    const others = await Promise.all([ends[0]!, ends[2]!]);
    children[1]!.kill('SIGKILL');
    for (const { code, errors } of others) {
      expect(code).toBe(1);
      expect(errors).toMatch(/(all-reduce|reduce-scatter) \d+ of rank [02]/);
    }
    expect(others.map(({ errors }) => errors).join()).toMatch(cause);
    await ends[1];
  },
  60_000,
);
