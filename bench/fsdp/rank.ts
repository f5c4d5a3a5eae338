// One rank of the micro editor's training step: rank.ts SETTINGS, with torchrun's variables. Prints a Report as JSON.
import type * as tf from '@tensorflow/tfjs-core';
import { joinGroup, useEngine } from '@thinkrl/engine';
import { fullyShard, rankEnvironment, singleProcess } from '@thinkrl/fsdp-shard';
import { AdamW, clipScale, globalNorm, gradients, type ParameterMap } from '@thinkrl/nn';
import { EditorStep } from './editor-step.ts';
import type { Report, Settings, Way } from './settings.ts';

const settings = JSON.parse(process.argv[2]!) as Settings;
const { warm, steps } = settings;

const { version } = await useEngine({ engine: 'torch', threads: 1 });
const environment = rankEnvironment(process.env);
const group = environment.worldSize === 1 ? singleProcess() : await joinGroup(environment);

interface Taken {
  readonly loss: tf.Scalar;
  readonly gradients: ReadonlyMap<string, tf.Tensor>;
  dispose(): void;
}

/** How a step takes gradients and their norm. */
interface Learner {
  readonly parameters: ParameterMap;
  take(): Taken;
  norm(gradients: ReadonlyMap<string, tf.Tensor>): Promise<number>;
}

function plainLearner(model: EditorStep): Learner {
  const parameters = model.parameters();
  return {
    parameters,
    take: () => gradients(() => ({ loss: model.loss() }), parameters),
    async norm(named) {
      const norm = globalNorm([...named.values()]);
      const [value] = await norm.data();
      norm.dispose();
      return value!;
    },
  };
}

function shardedLearner(model: EditorStep, shareAlone: boolean): Learner {
  const sharded = fullyShard(model, { group, units: model.units, shareAlone });
  return {
    parameters: sharded.shards(),
    take: () => sharded.gradients(() => ({ loss: model.loss() })),
    norm: (named) => sharded.globalNorm(named),
  };
}

/** The training step of a way on an editor of its own. */
function stepOf(way: Way): () => Promise<void> {
  const model = new EditorStep(settings);
  const learner = way === 'plain' ? plainLearner(model) : shardedLearner(model, way === 'shared alone');
  const optimizer = AdamW.create({ parameters: learner.parameters, learningRate: 1e-4 });
  return async () => {
    const result = learner.take();
    optimizer.step(result.gradients, { gradientScale: clipScale(await learner.norm(result.gradients), 1) });
    await result.loss.data();
    result.dispose();
  };
}

const sides = settings.ways.map((way) => ({
  step: stepOf(way),
  seconds: [] as number[],
  cpu: [] as number[],
}));
for (let step = 0; step < warm + steps; step++)
  for (const { step: take, seconds, cpu } of step % 2 === 0 ? sides : sides.toReversed()) {
    const begun = performance.now();
    const worked = process.cpuUsage();
    await take();
    if (step < warm) continue;
    const { user, system } = process.cpuUsage(worked);
    seconds.push((performance.now() - begun) / 1000);
    cpu.push((user + system) / 1e6);
  }
const ways = sides.map(({ seconds, cpu }) => ({ seconds, cpu }));
if (environment.rank === 0) console.log(JSON.stringify({ ways, version } satisfies Report));
await group.barrier();
await group.close();
