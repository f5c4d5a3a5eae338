import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@thinkrl/engine';
import { fakeMesh } from '@thinkrl/fsdp-shard/testing';
import { beforeAll, expect, it } from 'vitest';
import { ending, startScript, worldVariables } from '../../fsdp-shard/test/ranks/launch.ts';
import { loadCheckpoint, saveCheckpoint, savedSteps } from '../src/index.ts';
import { member, valuesOf } from './kept-module.ts';

const script = new URL('ranks/dying-rank.ts', import.meta.url).href;

beforeAll(async () => {
  await useEngine({ engine: 'torch', threads: 1 });
});

it.each([
  ['the first, which writes the manifest', 0, 'generation.0-of-2.safetensors'],
  ['one that writes a part', 1, 'generation.1-of-2.safetensors'],
  ['one whose part another writes', 3, 'generation.0-of-2.safetensors'],
])(
  'of two nodes of two ranks, %s dies during a save: all end, and the checkpoint before it is whole',
  async (_, victim, file) => {
    const checkpoints = mkdtempSync(join(tmpdir(), 'killed-save-'));
    const started = performance.now();
    const variables = await worldVariables(4);
    const words = [checkpoints, `${victim}`, file];
    const ends = await Promise.all(variables.map((env) => ending(startScript(script, words, env))));
    expect(performance.now() - started).toBeLessThan(60_000);
    const cause = new RegExp(
      `step-2: cannot be saved: .* of rank \\d: (rank \\d, )*rank ${victim}\\b.* has gone`,
    );
    for (const [rank, { code, errors }] of ends.entries()) {
      expect(code, errors).toBe(rank === victim ? null : 1);
      if (rank !== victim) expect(errors).toMatch(cause);
    }
    expect(savedSteps(checkpoints)).toEqual([1]);
    const modules = [member(2)];
    await loadCheckpoint({ checkpoints, iteration: 1, modules });
    expect(valuesOf(modules[0]!)).toEqual(valuesOf(member(1)));

    // What the dead one left is cleared by a later save.
    await Promise.all(
      fakeMesh(4, 2).map(({ world, ...groups }) =>
        saveCheckpoint({
          ...{ checkpoints, iteration: 3, keepCheckpoints: 1, processGroup: world },
          modules: [member(3, groups)],
        }),
      ),
    );
    expect(readdirSync(checkpoints)).toEqual(['step-3']);
    await loadCheckpoint({ checkpoints, iteration: 3, modules });
    expect(valuesOf(modules[0]!)).toEqual(valuesOf(member(3)));
  },
  120_000,
);
