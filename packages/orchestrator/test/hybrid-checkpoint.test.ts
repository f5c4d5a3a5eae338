import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@thinkrl/engine';
import { type ShardingGroup, singleProcess } from '@thinkrl/fsdp-shard';
import { fakeMesh, fakeShardingWorld } from '@thinkrl/fsdp-shard/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CheckpointModule, loadCheckpoint, saveCheckpoint } from '../src/index.ts';
import { filled, member, valuesOf } from './kept-module.ts';

beforeAll(async () => {
  await useEngine({ engine: 'torch', threads: 1 });
});

/** What a rank holds, and the group of all ranks. */
interface Rank {
  readonly module: CheckpointModule;
  readonly world: ShardingGroup;
}

const hybrid = (worldSize: number, perNode: number, seed: number): readonly Rank[] =>
  fakeMesh(worldSize, perNode).map(({ world, ...groups }) => ({ module: member(seed, groups), world }));

const fully = (worldSize: number, seed: number): readonly Rank[] =>
  fakeShardingWorld(worldSize).map((world) => ({ module: member(seed, { group: world }), world }));

const temporary = () => mkdtempSync(join(tmpdir(), 'hybrid-'));

/** Saves what each rank holds where it says. */
function save(ranks: readonly Rank[], where: (rank: number) => string, iteration = 1) {
  return Promise.allSettled(
    ranks.map(({ module, world }, rank) =>
      saveCheckpoint({
        ...{ checkpoints: where(rank), iteration, modules: [module], keepCheckpoints: 2 },
        processGroup: world,
      }),
    ),
  );
}

const load = (ranks: readonly Rank[], checkpoints: string, iteration = 1) =>
  Promise.allSettled(
    ranks.map(({ module, world }) =>
      loadCheckpoint({ checkpoints, iteration, modules: [module], processGroup: world }),
    ),
  );

const messagesOf = (ends: readonly PromiseSettledResult<void>[]) =>
  ends.map((end) => (end.status === 'rejected' ? (end.reason as Error).message : 'done'));

describe('a checkpoint of a module that is shared out within nodes and repeated across', () => {
  it('goes to worlds of any kind and back with every bit of weights, moments and average', async () => {
    const original = filled(member(1));
    const stages: readonly (readonly Rank[])[] = [
      [{ module: original, world: singleProcess() as ShardingGroup }],
      hybrid(4, 2, 2),
      fully(4, 3),
      hybrid(4, 2, 4),
      fully(2, 5),
      hybrid(6, 3, 6),
      hybrid(3, 1, 7),
      [{ module: member(8), world: singleProcess() as ShardingGroup }],
    ];
    const places = stages.map(temporary);
    for (const [i, ranks] of stages.entries()) {
      if (i > 0) expect(messagesOf(await load(ranks, places[i - 1]!))).toEqual(ranks.map(() => 'done'));
      for (const { module } of ranks) expect(module.optimizer.state().step).toBe(7);
      await save(ranks, () => places[i]!);
    }
    expect(valuesOf(stages.at(-1)![0]!.module)).toEqual(valuesOf(original));
    const bytes = places.map((place) =>
      ['', '.optimizer', '.average'].map((part) => join(place, 'step-1', `generation${part}.safetensors`)),
    );
    // Where each rank of a node of one has everything, its file is that of one process.
    for (const place of [bytes.at(-1)!, bytes.at(-2)!])
      expect(place.map((file) => readFileSync(file))).toEqual(bytes[0]!.map((file) => readFileSync(file)));
  });

  it('is written by one of the ranks that keep a part, each file by one, and the manifest by the first', async () => {
    const folders = Array.from({ length: 4 }, temporary);
    for (const folder of folders) mkdirSync(join(folder, '.step-1.writing'));
    expect(messagesOf(await save(hybrid(4, 2, 1), (rank) => folders[rank]!))).toEqual(Array(4).fill('done'));
    const shardsOf = (rank: number) =>
      ['', '.average', '.optimizer'].map((part) => `generation${part}.${rank}-of-2.safetensors`).sort();
    const [first, ...others] = folders;
    expect(readdirSync(join(first!, 'step-1')).sort()).toEqual([...shardsOf(0), 'manifest.json'].sort());
    expect(others.map((folder) => readdirSync(join(folder, '.step-1.writing')).sort())).toEqual([
      shardsOf(1),
      [],
      [],
    ]);
    const manifest = JSON.parse(readFileSync(join(first!, 'step-1', 'manifest.json'), 'utf8'));
    expect(Object.keys(manifest.files)).toEqual([...shardsOf(0), ...shardsOf(1)].sort());
    expect(manifest.worldSize).toBe(4);
  });

  it('is refused on every rank of every node for the same reason, and so is one that cannot be written', async () => {
    const checkpoints = temporary();
    const ranks = hybrid(4, 2, 1);
    for (const iteration of [1, 2]) await save(ranks, () => checkpoints, iteration);
    rmSync(join(checkpoints, 'step-2', 'generation.1-of-2.safetensors'));
    const refused = messagesOf(await load(hybrid(4, 2, 3), checkpoints, 2));
    expect(new Set(refused).size).toBe(1);
    expect(refused[0]).toMatch(/step-2: generation\.1-of-2\.safetensors is missing .*; step-1 is whole/);

    const elsewhere = join(checkpoints, 'no', 'such', 'place');
    const failed = messagesOf(await save(ranks, (rank) => (rank === 1 ? elsewhere : checkpoints), 3));
    for (const [rank, message] of failed.entries())
      expect(message).toMatch(rank === 1 ? /cannot be saved: ENOENT/ : /cannot be saved: rank 1: ENOENT/);
    expect(readdirSync(checkpoints).sort()).toEqual(['step-1', 'step-2']);
  });

  it('is neither saved nor loaded by one node alone, which would take the other for another run', async () => {
    const checkpoints = temporary();
    const ranks = hybrid(4, 2, 1);
    await save(ranks, () => checkpoints);
    const before = readdirSync(join(checkpoints, 'step-1'));
    for (const { module } of ranks) {
      const request = { checkpoints, iteration: 1, modules: [module] };
      const refusal = { code: 'THINKRL_CONFIG', field: 'processGroup' };
      await expect(saveCheckpoint({ ...request, keepCheckpoints: 1 })).rejects.toMatchObject(refusal);
      await expect(loadCheckpoint(request)).rejects.toMatchObject(refusal);
    }
    expect(readdirSync(join(checkpoints, 'step-1'))).toEqual(before);
  });
});
