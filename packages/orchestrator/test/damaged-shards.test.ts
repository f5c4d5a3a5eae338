import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@thinkrl/engine';
import { fakeShardingWorld } from '@thinkrl/fsdp-shard/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { ending, startScript, worldVariables } from '../../fsdp-shard/test/ranks/launch.ts';
import { type CheckpointModule, saveCheckpoint } from '../src/index.ts';
import { member, valuesOf } from './kept-module.ts';

const script = new URL('ranks/loading-rank.ts', import.meta.url).href;

/** The second rank's moments. */
const FILE = 'generation.optimizer.1-of-2.safetensors';

interface Fault {
  readonly title: string;
  spoil(checkpoint: string): void;
  readonly problem: RegExp;
  /** Whether the second rank alone sees it, on a disk of its own. */
  readonly apart?: boolean;
}

function changed(checkpoint: string, change: (manifest: Record<string, unknown>) => void): void {
  const path = join(checkpoint, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  change(manifest);
  writeFileSync(path, JSON.stringify(manifest));
}

function flipped(checkpoint: string): void {
  const bytes = readFileSync(join(checkpoint, FILE));
  bytes[bytes.length - 9]! ^= 64;
  writeFileSync(join(checkpoint, FILE), bytes);
}

const WRONG_HASH = /1-of-2\.safetensors does not have the hash in manifest\.json \(found by rank 1\)/;

const faults: readonly Fault[] = [
  {
    title: 'has a shard that ends early',
    spoil: (checkpoint) => truncateSync(join(checkpoint, FILE), 200),
    problem: WRONG_HASH,
  },
  {
    title: 'has an empty shard',
    spoil: (checkpoint) => truncateSync(join(checkpoint, FILE)),
    problem: WRONG_HASH,
  },
  { title: 'has a shard with one bit flipped', spoil: flipped, problem: WRONG_HASH },
  {
    title: 'lacks a shard',
    spoil: (checkpoint) => rmSync(join(checkpoint, FILE)),
    problem: /optimizer\.1-of-2\.safetensors is missing \(found by rank 0\)/,
  },
  {
    title: 'has something else in the place of a shard',
    spoil: (checkpoint) => {
      rmSync(join(checkpoint, FILE));
      mkdirSync(join(checkpoint, FILE));
    },
    problem: /optimizer\.1-of-2\.safetensors cannot be read: EISDIR.* \(found by rank 1\)/,
  },
  {
    title: 'names a hash that no file has',
    spoil: (checkpoint) =>
      changed(checkpoint, ({ files }) => {
        (files as Record<string, string>)[FILE] = '0'.repeat(64);
      }),
    problem: WRONG_HASH,
  },
  {
    title: 'is of a newer version',
    spoil: (checkpoint) =>
      changed(checkpoint, (manifest) => {
        manifest.format = 3;
      }),
    problem: /was written by a newer version \(format 3, known: 2\)/,
  },
  {
    title: 'has a manifest that ends early',
    spoil: (checkpoint) => truncateSync(join(checkpoint, 'manifest.json'), 40),
    problem: /manifest\.json cannot be read: .*JSON/,
  },
  {
    title: 'has a manifest that names no files',
    spoil: (checkpoint) => writeFileSync(join(checkpoint, 'manifest.json'), '{}'),
    problem: /manifest\.json names no files/,
  },
  {
    title: 'lacks a shard where the second rank looks',
    spoil: (checkpoint) => renameSync(join(checkpoint, FILE), join(checkpoint, 'elsewhere')),
    problem: /optimizer\.1-of-2\.safetensors is missing \(found by rank 1\)/,
    apart: true,
  },
  {
    title: 'has a damaged shard where the second rank looks',
    spoil: flipped,
    problem: WRONG_HASH,
    apart: true,
  },
  {
    title: 'is not there where the second rank looks',
    spoil: (checkpoint) => rmSync(checkpoint, { recursive: true }),
    problem: /manifest\.json cannot be read: ENOENT.* \(found by rank 1\)/,
    apart: true,
  },
];

interface Told {
  readonly message: string;
  readonly values: ReturnType<typeof valuesOf>;
}

describe('a checkpoint of two ranks', () => {
  let ranks: readonly (readonly Told[])[];
  let whole: readonly ReturnType<typeof valuesOf>[];

  beforeAll(async () => {
    await useEngine({ engine: 'torch', threads: 1 });
    const folder = mkdtempSync(join(tmpdir(), 'damaged-'));
    const good = join(folder, 'good');
    const save = (modules: readonly CheckpointModule[], iteration: number) =>
      Promise.all(
        modules.map((module) =>
          saveCheckpoint({ checkpoints: good, iteration, modules: [module], keepCheckpoints: 2 }),
        ),
      );
    const [kept, later] = [1, 2].map((seed) => fakeShardingWorld(2).map((group) => member(seed, { group })));
    await save(kept!, 1);
    await save(later!, 2);
    whole = kept!.map(valuesOf);
    const places = faults.map(({ spoil, apart = false }, i) => {
      const bad = join(folder, `${i}`);
      cpSync(good, bad, { recursive: true });
      spoil(join(bad, 'step-2'));
      return [apart ? good : bad, bad];
    });
    const variables = await worldVariables(2);
    const files = variables.map((_, rank) => join(folder, `${rank}.json`));
    const ends = await Promise.all(
      variables.map((env, rank) =>
        ending(startScript(script, [files[rank]!, JSON.stringify([...places, [good, good]])], env)),
      ),
    );
    expect(ends).toEqual(ends.map(() => ({ code: 0, errors: '' })));
    ranks = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  }, 120_000);

  it.each(faults.map((fault, i) => [fault.title, fault, i] as const))(
    'that %s is refused by both for the same reason, and the one before it is offered and loads',
    (_, { problem }, i) => {
      const [first, second] = ranks.map((told) => told[i]!.message.replaceAll(/\/\S*\/(?=step-)/g, ''));
      expect(second).toBe(first);
      expect(first).toMatch(problem);
      expect(first).toMatch(/; step-1 is whole: remove step-2 to resume from it$/);
      expect(ranks.map((told) => told[i]!.values)).toEqual(whole);
    },
  );

  it('that is whole is not', () => {
    expect(ranks.map((told) => told.at(-1)!.message)).toEqual(['loaded', 'loaded']);
  });
});
