// One rank of a sharded run of the micro editor that saves after every step and goes on from what it finds, with torchrun's
// variables: sharded-run.ts FOLDER STEPS. Says each step that it has saved; the first rank keeps `losses.jsonl`.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { joinGroup, useEngine } from '@thinkrl/engine';
import { fullyShard, rankEnvironment, type ShardedModule, withGroup } from '@thinkrl/fsdp-shard';
import { AdamW, clipScale, ExponentialAverage } from '@thinkrl/nn';
import { microSubject } from '../../../fsdp-shard/test/ranks/micro-subject.ts';
import type { Subject } from '../../../fsdp-shard/test/ranks/subject.ts';
import { loadCheckpoint, saveCheckpoint, savedSteps } from '../../src/index.ts';

const ROWS = 4;

/** A step on this rank's rows of the batch: the mean loss over all ranks, and the norm of the gradient. */
async function step(sharded: ShardedModule, subject: Subject, optimizer: AdamW): Promise<[number, number]> {
  const { group } = sharded;
  const rows = ROWS / group.worldSize;
  const part = { from: group.rank * rows, to: (group.rank + 1) * rows, rows: ROWS };
  const { loss, gradients, dispose } = sharded.gradients(() => ({
    loss: subject.loss(optimizer.state().step, part),
  }));
  const norm = await sharded.globalNorm(gradients);
  optimizer.step(gradients, { gradientScale: clipScale(norm, 1) });
  const [mean] = await group.allReduce([loss], 'mean');
  const value = (await mean!.data())[0]!;
  tf.dispose([mean!]);
  dispose();
  return [value, norm];
}

const [folder, steps] = process.argv.slice(2);
await useEngine({ engine: 'torch', threads: 1 });
const joined = await joinGroup({ ...rankEnvironment(process.env), timeoutSeconds: 60 });
await withGroup(joined, async (group) => {
  const subject = microSubject({ steps: Number(steps) });
  const sharded = fullyShard(subject.model, { group, units: subject.units });
  const parameters = sharded.shards();
  const optimizer = AdamW.create({ parameters, learningRate: 1e-4 });
  const average = new ExponentialAverage(parameters);
  const checkpoints = join(folder!, 'checkpoints');
  const modules = [{ name: 'generation' as const, parameters, optimizer, average, sharded }];
  const from = savedSteps(checkpoints).at(-1) ?? 0;
  if (from > 0) await loadCheckpoint({ checkpoints, iteration: from, modules });
  for (let iteration = from + 1; iteration <= Number(steps); iteration++) {
    const [loss, norm] = await step(sharded, subject, optimizer);
    average.update(0.9);
    if (group.rank === 0)
      appendFileSync(join(folder!, 'losses.jsonl'), `${JSON.stringify({ iteration, loss, norm })}\n`);
    await saveCheckpoint({ checkpoints, iteration, modules, keepCheckpoints: 2 });
    console.log(iteration);
  }
});
