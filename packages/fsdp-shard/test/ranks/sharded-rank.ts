// One rank of sharded runs: node sharded-rank.ts PLANS FILE, with torchrun's variables.
import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { joinGroup, useEngine } from '@thinkrl/engine';
import { AdamW } from '@thinkrl/nn';
import { fullyShard, rankEnvironment, type ShardedModule, type ShardingGroup } from '../../src/index.ts';
import { bytesOf, type Contender, measuredRun, trainedBy, valuesOf } from './measured-run.ts';
import type { Outcome, Plan } from './plan.ts';
import type { Subject } from './subject.ts';
import { subjectOf } from './subject-of.ts';

function share(plan: Plan, subject: Subject, group: ShardingGroup): ShardedModule {
  const sharded = fullyShard(subject.model, {
    group,
    units: subject.units,
    trainable: trainedBy(plan, subject.parameters),
    reshardAfterForward: plan.reshardAfterForward ?? true,
    ...(plan.storage && { mixedPrecision: { parameters: plan.storage } }),
    cpuOffload: plan.offload ?? false,
  });
  if (plan.checkpoint) subject.checkpoint();
  return sharded;
}

function contenderOf(plan: Plan, subject: Subject, sharded: ShardedModule): Contender {
  const { group } = sharded;
  const { rows = 4, parts = 1, learningRate = 1e-4 } = plan;
  const length = rows / group.worldSize / parts;
  const objective = (index: number, part: number) => () => {
    const from = (group.rank * parts + part) * length;
    return { loss: tf.div(subject.loss(index, { from, to: from + length, rows }), parts) as tf.Scalar };
  };
  return {
    optimizer: AdamW.create({ parameters: sharded.shards(), learningRate }),
    receivedBytes: () => group.traffic().receivedBytes,
    async step(index) {
      const earlier = Array.from(
        { length: parts - 1 },
        (_, part) => sharded.accumulate(objective(index, part)).loss,
      );
      const { loss: last, gradients } = sharded.gradients(objective(index, parts - 1));
      const norm = await sharded.globalNorm(gradients);
      const local = tf.tidy(() => tf.addN([...earlier, last]));
      const [mean] = await group.allReduce([local], 'mean');
      const loss = (await mean!.data())[0]!;
      tf.dispose([...earlier, last, local, mean!]);
      return { loss, norm, gradients };
    },
  };
}

async function outcomeOf(plan: Plan, group: ShardingGroup): Promise<Outcome> {
  const subject = subjectOf(plan);
  const parameterBytes = bytesOf(subject.parameters);
  const sharded = share(plan, subject, group);
  const contender = contenderOf(plan, subject, sharded);
  const measured = await measuredRun(plan, contender);
  const parameters = await sharded.withWhole(() => valuesOf(subject.parameters));
  const sizes = sharded.units.map(({ flats }) => flats.reduce((sum, { size }) => sum + 4 * size, 0));
  contender.optimizer.dispose();
  sharded.dispose();
  tf.dispose([...subject.parameters.values()]);
  return { ...measured, parameters, parameterBytes, largestUnitBytes: Math.max(...sizes) };
}

await useEngine({ engine: 'torch', threads: 1 });
const group = await joinGroup({ ...rankEnvironment(process.env), timeoutSeconds: 120 });
const outcomes: Outcome[] = [];
for (const plan of JSON.parse(process.argv[2]!) as Plan[]) outcomes.push(await outcomeOf(plan, group));
// Under torchrun all ranks get the same words.
writeFileSync(process.argv[3]!.replace('%r', `${group.rank}`), JSON.stringify(outcomes));
await group.barrier();
await group.close();
