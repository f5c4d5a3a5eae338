// One rank that uses two sharded stacks in orders of its own: node wayward-rank.ts CASES FILE, with torchrun's variables.
// For each case, what it saw, the gradients of all, and how often it took part in a collective.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { joinGroup, useEngine } from '@thinkrl/engine';
import { fullyShard, inStep, rankEnvironment } from '../../src/index.ts';
import { type Case, lossOf, Stack, type Way, type Wayward } from './stack.ts';

await useEngine({ engine: 'torch', threads: 1 });
const group = await joinGroup({ ...rankEnvironment(process.env), timeoutSeconds: 20 });
const stacks = [new Stack(1), new Stack(2)];
const sharded = stacks.map((stack) => fullyShard(stack, { group, units: stack.layers }));

async function go({ kind, stack, layers }: Way): Promise<number> {
  const objective = () => ({ loss: lossOf(stacks[stack]!, layers) });
  if (kind === 'wait') await sleep(layers.length);
  if (kind === 'fail') throw new RangeError('no more room');
  if (kind === 'hold') return sharded[stack]!.withWhole(() => go({ kind: 'look', stack, layers }));
  if (kind !== 'look' && kind !== 'learn') return 0;
  const loss = kind === 'look' ? tf.tidy(() => objective().loss) : sharded[stack]!.accumulate(objective).loss;
  const value = (await loss.data())[0]!;
  loss.dispose();
  return value;
}

async function outcomeOf({ ways, ahead }: Case): Promise<Wayward> {
  const before = group.traffic().collectives;
  const seen: number[] = [];
  const work = async () => {
    for (const way of ways[group.rank]!) seen.push(await go(way));
    return null;
  };
  const failure = await inStep(sharded, work, { ahead }).catch((error: Error) => error.message);
  const collectives = group.traffic().collectives - before;
  const here = sharded.flatMap(({ units }) =>
    units.filter(({ parameters }) => parameters.some(({ isHere }) => isHere)),
  ).length;
  const slopes: number[][] = [];
  for (const module of sharded) {
    const gradients = [...module.collect().values()];
    for (const part of gradients) {
      const whole = await group.allGather(part);
      slopes.push([...(await whole.data())]);
      whole.dispose();
    }
    tf.dispose(gradients);
  }
  return { seen, failure, collectives, here, slopes };
}

const outcomes: (Wayward & { readonly leaked: number })[] = [];
for (const each of JSON.parse(process.argv[2]!) as Case[]) {
  const before = tf.memory().numTensors;
  const outcome = await outcomeOf(each);
  outcomes.push({ ...outcome, leaked: tf.memory().numTensors - before });
}
writeFileSync(process.argv[3]!, JSON.stringify(outcomes));
await group.barrier();
await group.close();
