// One rank of four that trains the micro editor shared out within nodes of two, saves it, and hands it on from world to
// world, with torchrun's variables: resharding-rank.ts FOLDER STEPS.
import { join } from 'node:path';
import { joinGroup, joinPart, useEngine } from '@thinkrl/engine';
import {
  fullyShard,
  meshOf,
  rankEnvironment,
  type ShardedModule,
  type ShardingGroup,
  singleProcess,
  withGroup,
} from '@thinkrl/fsdp-shard';
import { AdamW, ExponentialAverage } from '@thinkrl/nn';
import { microSubject } from '../../../fsdp-shard/test/ranks/micro-subject.ts';
import { type CheckpointModule, loadCheckpoint, saveCheckpoint } from '../../src/index.ts';

/** The ranks of a world, and those that share out and repeat the parameters there. */
interface Groups {
  readonly world: ShardingGroup;
  readonly group: ShardingGroup;
  readonly replicas?: ShardingGroup;
}

function share({ group, replicas }: Groups) {
  const subject = microSubject({ steps: 0 });
  const sharded = fullyShard(subject.model, { group, ...(replicas && { replicas }), units: subject.units });
  const parameters = sharded.shards();
  const optimizer = AdamW.create({ parameters, learningRate: 1e-2 });
  const average = new ExponentialAverage(parameters);
  return { subject, module: { name: 'generation' as const, parameters, optimizer, average, sharded } };
}

/** Each rank learns from a row of four. */
function trained(groups: Groups, steps: number): CheckpointModule & { readonly sharded: ShardedModule } {
  const { subject, module } = share(groups);
  const { rank } = groups.world;
  for (let step = 0; step < steps; step++) {
    const part = { from: rank, to: rank + 1, rows: 4 };
    const result = module.sharded.gradients(() => ({ loss: subject.loss(step, part) }));
    module.optimizer.step(result.gradients);
    module.average.update(0.9);
    result.dispose();
  }
  return module;
}

const [folder, steps] = process.argv.slice(2);
const checkpoints = join(folder!, 'checkpoints');
await useEngine({ engine: 'torch', threads: 1 });
const place = { ...rankEnvironment(process.env), timeoutSeconds: 60 };
await withGroup(await joinGroup(place), async (world) => {
  const mesh = meshOf(place, 2);
  const nodes = {
    world,
    group: await joinPart(place, mesh.node),
    replicas: await joinPart(place, mesh.replicas),
  };
  const pair = place.rank < 2 ? nodes.group : null;
  const alone = place.rank === 0 ? singleProcess() : null;
  const save = (module: CheckpointModule, iteration: number, { world: processGroup }: Groups) =>
    saveCheckpoint({ checkpoints, iteration, modules: [module], keepCheckpoints: 9, processGroup });
  await save(trained(nodes, Number(steps)), 1, nodes);
  const worlds: readonly (Groups | null)[] = [
    alone && { world: alone, group: alone },
    nodes,
    { world, group: world },
    nodes,
    pair && { world: pair, group: pair },
    nodes,
  ];
  for (const [from, groups] of worlds.entries()) {
    if (groups !== null) {
      const { module } = share(groups);
      const request = { checkpoints, iteration: from + 1, modules: [module], processGroup: groups.world };
      await loadCheckpoint(request);
      await save(module, from + 2, groups);
    }
    await world.barrier();
  }
  await Promise.all([nodes.group.close(), nodes.replicas.close()]);
});
