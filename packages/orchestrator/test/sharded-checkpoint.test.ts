import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Variable } from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { singleProcess } from '@thinkrl/fsdp-shard';
import { fakeShardingWorld } from '@thinkrl/fsdp-shard/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CheckpointModule,
  loadCheckpoint,
  loadCheckpointWeights,
  RunFolderError,
  saveCheckpoint,
  savedSteps,
} from '../src/index.ts';
import { filled, member, network, valuesOf } from './kept-module.ts';

beforeAll(async () => {
  await useEngine({ engine: 'torch', threads: 1 });
});

const temporary = () => mkdtempSync(join(tmpdir(), 'checkpoint-'));

const worldOf = (worldSize: number, seed: number) =>
  (worldSize === 1 ? [singleProcess()] : fakeShardingWorld(worldSize)).map((group) =>
    member(seed, { group }),
  );

const request = { keepCheckpoints: 2, iteration: 1 };

function save(checkpoints: string, ranks: readonly CheckpointModule[], more = {}): Promise<unknown> {
  return Promise.all(
    ranks.map((module) => saveCheckpoint({ ...request, ...more, checkpoints, modules: [module] })),
  );
}

const load = (checkpoints: string, ranks: readonly CheckpointModule[], iteration = 1) =>
  Promise.all(ranks.map((module) => loadCheckpoint({ checkpoints, iteration, modules: [module] })));

/** Files of the checkpoint of iteration 1. */
const filesIn = (checkpoints: string) => readdirSync(join(checkpoints, 'step-1')).sort();

/** Saves a world twice, and gives the messages of all ranks when they load the second. */
async function refusals(spoil: (folder: string) => void): Promise<readonly string[]> {
  const checkpoints = temporary();
  const ranks = worldOf(2, 1);
  await save(checkpoints, ranks);
  await save(checkpoints, ranks, { iteration: 2 });
  spoil(join(checkpoints, 'step-2'));
  const ends = await Promise.allSettled(
    worldOf(2, 3).map((module) => loadCheckpoint({ checkpoints, iteration: 2, modules: [module] })),
  );
  return ends.map((end) => {
    expect(end).toMatchObject({ status: 'rejected', reason: { code: 'ORCHESTRATOR_RUN_FOLDER' } });
    return ((end as PromiseRejectedResult).reason as Error).message;
  });
}

describe('a checkpoint of a sharded module', () => {
  it('goes from one process to 2, 4 and back to one with every bit of weights, moments and average', async () => {
    const original = filled(member(1));
    const places = [temporary(), temporary(), temporary(), temporary()];
    await save(places[0]!, [original]);
    expect(filesIn(places[0]!)).toEqual([
      'generation.average.safetensors',
      'generation.optimizer.safetensors',
      'generation.safetensors',
      'manifest.json',
    ]);
    for (const [i, worldSize] of [2, 4, 1].entries()) {
      const ranks = worldOf(worldSize, 2 + i);
      await load(places[i]!, ranks);
      expect(ranks.map(({ optimizer }) => optimizer.state().step)).toEqual(ranks.map(() => 7));
      await save(places[i + 1]!, ranks);
    }
    expect(filesIn(places[1]!)).toContain('generation.optimizer.1-of-2.safetensors');
    expect(filesIn(places[2]!)).toContain('generation.average.3-of-4.safetensors');
    const back = member(8);
    await load(places[3]!, [back]);
    expect(valuesOf(back)).toEqual(valuesOf(original));
    expect(readFileSync(join(places[3]!, 'step-1', 'generation.safetensors'))).toEqual(
      readFileSync(join(places[0]!, 'step-1', 'generation.safetensors')),
    );
  });

  it('names every file, and how many ranks wrote it, in one manifest', async () => {
    const checkpoints = temporary();
    await save(checkpoints, worldOf(2, 1));
    const manifest = JSON.parse(readFileSync(join(checkpoints, 'step-1', 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({
      format: 2,
      iteration: 1,
      worldSize: 2,
      optimizerSteps: { generation: 0 },
    });
    expect([...Object.keys(manifest.files), 'manifest.json'].sort()).toEqual(filesIn(checkpoints));
    expect(filesIn(checkpoints)).toHaveLength(2 * 3 + 1);
  });

  it('holds a module that every rank has whole once, and every rank reads it', async () => {
    const checkpoints = temporary();
    const whole = (seed: number) => ({ ...member(seed), name: 'understanding' as const });
    const original = filled(whole(1));
    await Promise.all(
      worldOf(2, 1).map((sharded) =>
        saveCheckpoint({ ...request, checkpoints, modules: [sharded, original] }),
      ),
    );
    expect(filesIn(checkpoints).filter((file) => file.startsWith('understanding'))).toEqual([
      'understanding.average.safetensors',
      'understanding.optimizer.safetensors',
      'understanding.safetensors',
    ]);
    const copies = [2, 3, 4, 5].map(whole);
    await Promise.all(
      worldOf(4, 6).map((sharded, rank) =>
        loadCheckpoint({ checkpoints, iteration: 1, modules: [sharded, copies[rank]!] }),
      ),
    );
    for (const copy of copies) expect(valuesOf(copy)).toEqual(valuesOf(original));
  });

  it('gives its weights to a model that only computes', async () => {
    const checkpoints = temporary();
    const [model, other] = [network(1), network(4)];
    await save(checkpoints, worldOf(2, 1));
    const untouched = new Map<string, Variable>();
    await loadCheckpointWeights(checkpoints, 1, { understanding: untouched, generation: other.parameters() });
    for (const [name, variable] of other.parameters())
      expect(variable.dataSync()).toEqual(model.parameters().get(name)!.dataSync());
  });

  it('is one of the last n', async () => {
    const checkpoints = temporary();
    const ranks = worldOf(2, 1);
    for (const iteration of [1, 2, 3]) await save(checkpoints, ranks, { iteration });
    expect(savedSteps(checkpoints)).toEqual([2, 3]);
  });

  it.each<[string, (folder: string) => void, RegExp]>([
    [
      'lacks a shard',
      (folder) => rmSync(join(folder, 'generation.optimizer.1-of-2.safetensors')),
      /generation\.optimizer\.1-of-2\.safetensors is missing/,
    ],
    [
      'has a damaged shard',
      (folder) => {
        const file = join(folder, 'generation.1-of-2.safetensors');
        const bytes = readFileSync(file);
        bytes[bytes.length - 1]! ^= 1;
        writeFileSync(file, bytes);
      },
      /generation\.1-of-2\.safetensors does not have the hash in manifest\.json/,
    ],
    [
      'is of a newer version',
      (folder) => writeFileSync(join(folder, 'manifest.json'), '{"format":99}'),
      /was written by a newer version \(format 99, known: 2\)/,
    ],
    ['has no manifest', (folder) => rmSync(join(folder, 'manifest.json')), /manifest\.json/],
  ])('that %s is refused on every rank, and the last whole one offered', async (_, spoil, problem) => {
    for (const message of await refusals(spoil)) {
      expect(message).toMatch(problem);
      expect(message).toMatch(/step-1 is whole: remove .*step-2 to resume from it/);
    }
  });

  it('fails on every rank when one cannot write, and leaves the last one as it was', async () => {
    const checkpoints = temporary();
    const ranks = worldOf(2, 1);
    await save(checkpoints, ranks);
    const before = readdirSync(checkpoints);
    const elsewhere = join(checkpoints, 'no', 'such', 'place');
    const ends = await Promise.allSettled(
      ranks.map((module, rank) =>
        saveCheckpoint({
          ...{ ...request, iteration: 2, modules: [module] },
          checkpoints: rank === 0 ? checkpoints : elsewhere,
        }),
      ),
    );
    for (const end of ends)
      expect(end).toMatchObject({ status: 'rejected', reason: expect.any(RunFolderError) });
    expect((ends[0] as PromiseRejectedResult).reason.message).toMatch(
      /step-2: cannot be saved: rank 1: .*ENOENT/,
    );
    expect(readdirSync(checkpoints)).toEqual(before);
    expect(existsSync(elsewhere)).toBe(false);
    await load(checkpoints, worldOf(4, 2));
  });
});
