// One rank of passes through the micro editor: in-step-rank.ts SETTINGS, with torchrun's variables. Prints, by kind of pass
// and way, seconds of each.
import * as tf from '@tensorflow/tfjs-core';
import { joinGroup, useEngine } from '@thinkrl/engine';
import { fullyShard, inStep, rankEnvironment } from '@thinkrl/fsdp-shard';
import { EditorStep } from './editor-step.ts';
import type { InStepSettings, InStepTimes, PassWay } from './settings.ts';

const { passes, rounds, ...sizes } = JSON.parse(process.argv[2]!) as InStepSettings;
await useEngine({ engine: 'torch', threads: 1 });
const group = await joinGroup(rankEnvironment(process.env));
const model = new EditorStep(sizes);
const sharded = fullyShard(model, { group, units: model.units });

const kinds = {
  forward: () => tf.tidy(() => model.loss()),
  learning: () => sharded.accumulate(() => ({ loss: model.loss() })).loss,
};

/** All passes of a turn. */
async function passing(kind: keyof typeof kinds): Promise<void> {
  for (let pass = 0; pass < passes; pass++) {
    const loss = kinds[kind]();
    await loss.data();
    loss.dispose();
  }
}

const ways: Readonly<Record<PassWay, (kind: keyof typeof kinds) => Promise<void>>> = {
  whole: (kind) => sharded.withWhole(() => passing(kind)),
  even: passing,
  asked: (kind) => inStep([sharded], () => passing(kind), { ahead: 0 }),
  ahead: (kind) => inStep([sharded], () => passing(kind)),
};

async function timed(work: () => Promise<void>): Promise<number> {
  await group.barrier();
  const begun = performance.now();
  await work();
  await group.barrier();
  for (const gradient of sharded.collect().values()) gradient.dispose();
  return (performance.now() - begun) / 1000 / passes;
}

const times: InStepTimes = {
  forward: { whole: [], even: [], asked: [], ahead: [] },
  learning: { whole: [], even: [], asked: [], ahead: [] },
};
for (let round = -1; round < rounds; round++)
  for (const kind of ['forward', 'learning'] as const)
    for (const way of ['whole', 'even', 'asked', 'ahead'] as const) {
      const seconds = await timed(() => ways[way](kind));
      if (round >= 0) times[kind][way].push(seconds);
    }
if (group.rank === 0) console.log(JSON.stringify(times));
await group.barrier();
await group.close();
