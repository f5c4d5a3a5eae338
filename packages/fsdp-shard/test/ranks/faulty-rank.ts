// A rank that fails on its own account: node faulty-rank.ts die|throw|hang RANK, with torchrun's variables.
import * as tf from '@tensorflow/tfjs-core';
import { joinGroup, useEngine } from '@thinkrl/engine';
import { rankEnvironment, withGroup } from '../../src/index.ts';

const [fault, faulty] = process.argv.slice(2);
await useEngine({ engine: 'torch', threads: 1 });
const joined = await joinGroup({ ...rankEnvironment(process.env), timeoutSeconds: 6 });
await withGroup(joined, async (group) => {
  for (let step = 0; ; step++) {
    if (group.rank === Number(faulty) && step === 3) {
      if (fault === 'throw') throw new Error('the disk is full');
      if (fault === 'die') process.kill(process.pid, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 20_000));
    }
    tf.dispose([...(await group.allReduce([tf.scalar(step)], 'sum'))]);
    tf.dispose(group.startReduceScatter(tf.zeros([6])).wait());
  }
}).catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
