// One rank of sharded runs: node sharded-rank.ts PLANS FILE, with torchrun's variables.
import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { joinGroup, joinPart, useEngine } from '@thinkrl/engine';
import { AdamW } from '@thinkrl/nn';
import {
  fullyShard,
  meshOf,
  rankEnvironment,
  type ShardedModule,
  type ShardingGroup,
} from '../../src/index.ts';
import { bytesOf, type Contender, measuredRun, trainedBy, valuesOf } from './measured-run.ts';
import type { Outcome, Plan } from './plan.ts';
import type { Subject } from './subject.ts';
import { subjectOf } from './subject-of.ts';

/** The world, and the groups that the parameters are shared out and repeated in. */
interface Groups {
  readonly world: ShardingGroup;
  readonly group: ShardingGroup;
  readonly replicas?: ShardingGroup;
}

function share(plan: Plan, subject: Subject, { group, replicas }: Groups): ShardedModule {
  const sharded = fullyShard(subject.model, {
    group,
    ...(replicas && { replicas }),
    units: subject.units,
    trainable: trainedBy(plan, subject.parameters),
    reshardAfterForward: plan.reshardAfterForward ?? true,
    ...(plan.storage && { mixedPrecision: { parameters: plan.storage } }),
    cpuOffload: plan.offload ?? false,
    shareAlone: plan.shareAlone ?? false,
  });
  if (plan.checkpoint) subject.checkpoint();
  return sharded;
}

interface Trained {
  readonly subject: Subject;
  readonly sharded: ShardedModule;
}

function contenderOf(plan: Plan, { subject, sharded }: Trained, groups: Groups): Contender {
  const { world } = groups;
  const sharing = [...new Set(Object.values(groups) as ShardingGroup[])];
  const { rows = 4, parts = 1, learningRate = 1e-4 } = plan;
  const length = rows / world.worldSize / parts;
  const objective = (index: number, part: number) => () => {
    const from = (world.rank * parts + part) * length;
    return { loss: tf.div(subject.loss(index, { from, to: from + length, rows }), parts) as tf.Scalar };
  };
  return {
    optimizer: AdamW.create({ parameters: sharded.shards(), learningRate }),
    receivedBytes: () => sharing.reduce((sum, group) => sum + group.traffic().receivedBytes, 0),
    async step(index) {
      const earlier = Array.from(
        { length: parts - 1 },
        (_, part) => sharded.accumulate(objective(index, part)).loss,
      );
      const { loss: last, gradients } = sharded.gradients(objective(index, parts - 1));
      const norm = await sharded.globalNorm(gradients);
      const local = tf.tidy(() => tf.addN([...earlier, last]));
      const [mean] = await world.allReduce([local], 'mean');
      const loss = (await mean!.data())[0]!;
      tf.dispose([...earlier, last, local, mean!]);
      return { loss, norm, gradients };
    },
  };
}

async function outcomeOf(plan: Plan, groups: Groups): Promise<Outcome> {
  const subject = subjectOf(plan);
  const parameterBytes = bytesOf(subject.parameters);
  const sharded = share(plan, subject, groups);
  const contender = contenderOf(plan, { subject, sharded }, groups);
  const measured = await measuredRun(plan, contender);
  const parameters = await sharded.withWhole(() => valuesOf(subject.parameters));
  const sizes = sharded.units.map(({ parameters: all }) => all.reduce((sum, { size }) => sum + 4 * size, 0));
  contender.optimizer.dispose();
  sharded.dispose();
  tf.dispose([...subject.parameters.values()]);
  return { ...measured, parameters, parameterBytes, largestUnitBytes: Math.max(...sizes) };
}

async function groupsOf({ perNode }: Plan): Promise<Groups> {
  if (perNode === undefined) return { world, group: world };
  const { node, replicas } = meshOf(world, perNode);
  return { world, group: await joinPart(place, node), replicas: await joinPart(place, replicas) };
}

await useEngine({ engine: 'torch', threads: 1 });
const place = { ...rankEnvironment(process.env), timeoutSeconds: 120 };
const world = await joinGroup(place);
const outcomes: Outcome[] = [];
for (const plan of JSON.parse(process.argv[2]!) as Plan[]) {
  const groups = await groupsOf(plan);
  outcomes.push(await outcomeOf(plan, groups));
  if (groups.replicas !== undefined) await Promise.all([groups.group.close(), groups.replicas.close()]);
}
// Under torchrun all ranks get the same words.
writeFileSync(process.argv[3]!.replace('%r', `${world.rank}`), JSON.stringify(outcomes));
await world.barrier();
await world.close();
