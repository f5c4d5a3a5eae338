// One rank that uses a sharded model as often as it likes: node uneven-rank.ts PLANS FILE, with torchrun's variables.
import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { joinGroup, useEngine } from '@thinkrl/engine';
import { AdamW, clipScale } from '@thinkrl/nn';
import { fullyShard, inStep, rankEnvironment } from '../../src/index.ts';
import { trainedBy, valuesOf } from './measured-run.ts';
import type { Plan } from './plan.ts';
import { subjectOf } from './subject-of.ts';

await useEngine({ engine: 'torch', threads: 1 });
const group = await joinGroup({ ...rankEnvironment(process.env), timeoutSeconds: 60 });
const [plan] = JSON.parse(process.argv[2]!) as [
  Plan & { readonly looks: number[]; readonly passes: number[] },
];
const subject = subjectOf(plan);
const trained = trainedBy(plan, subject.parameters);
const sharded = fullyShard(subject.model, { group, units: subject.units, trainable: trained });
subject.checkpoint();
const optimizer = AdamW.create({ parameters: sharded.shards(), learningRate: 1e-2 });
const row = (from: number) => ({ from, to: from + 1, rows: 4 });

const before = tf.memory().numTensors;
const looks = await inStep([sharded], async () => {
  const seen: number[] = [];
  for (let look = 0; look < plan.looks[group.rank]!; look++) {
    const loss = tf.tidy(() => subject.loss(look, row(group.rank)));
    seen.push((await loss.data())[0]!);
    loss.dispose();
  }
  return seen;
});
await inStep([sharded], async () => {
  if (group.rank === 1) sharded.accumulate(() => ({ loss: subject.loss(5, row(1)) })).loss.dispose();
});
sharded.discard();
await inStep([sharded], async () => {
  for (let pass = 0; pass < plan.passes[group.rank]!; pass++)
    sharded.accumulate(() => ({ loss: subject.loss(9, row(pass)) })).loss.dispose();
});
const gradients = sharded.collect();
const norm = await sharded.globalNorm(gradients);
optimizer.step(gradients, { gradientScale: clipScale(norm, 1) });
tf.dispose([...gradients.values()]);
const leaked = tf.memory().numTensors - before;
const parameters = await sharded.withTrained(() => valuesOf(trained));
const failure = await inStep([sharded], async () => {
  if (group.rank === 1) throw new Error('no more room');
  return tf.tidy(() => subject.loss(0, row(0))).dispose();
}).catch((error: Error) => error.message);
writeFileSync(
  process.argv[3]!,
  JSON.stringify([{ looks, norm, parameters, leaked, failure: failure ?? null }]),
);
await group.barrier();
await group.close();
