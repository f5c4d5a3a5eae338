// One rank of a world that shares weights out in groups of two, with torchrun's variables; rank 1 fails.
import { withGroup } from '@thinkrl/fsdp-shard';
import { joinRanks, withSharing } from '../src/ranks.ts';
import { startEngine } from '../src/start-engine.ts';

await startEngine({ engine: { name: 'torch', threads: 1, device: 'cpu' } }, () => {});
await withGroup(await joinRanks(), (world) =>
  withSharing(world, 2, async ({ group, replicas }) => {
    if (world.rank === 1) throw new RangeError('no more room');
    await (world.rank === 3 ? replicas! : group).barrier();
  }),
);
