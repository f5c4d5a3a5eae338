// One rank of the micro editor's training step: rank.ts SETTINGS, with torchrun's variables. Prints Times as JSON.
import * as tf from '@tensorflow/tfjs-core';
import { Editor } from '@thinkrl/backbones/micro';
import { joinGroup, useEngine } from '@thinkrl/engine';
import { fullyShard, rankEnvironment, singleProcess } from '@thinkrl/fsdp-shard';
import { AdamW, clipScale, globalNorm, gradients, Module } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import type { Settings, Times } from './settings.ts';

const settings = JSON.parse(process.argv[2]!) as Settings;
const { rows, warm, steps } = settings;

class Step extends Module {
  readonly editor = this.child(
    'editor',
    new Editor(Key.of(1), { width: settings.width, blocks: settings.blocks, heads: 4 }),
  );
  private readonly latents = tf.randomNormal([rows, 16, 192]) as tf.Tensor3D;
  private readonly references = tf.randomNormal([rows, 16, 192]) as tf.Tensor3D;
  private readonly target = tf.randomNormal([rows, 16, 192]) as tf.Tensor3D;
  private readonly texts = {
    ids: Int32Array.from({ length: 8 * rows }, (_, i) => 5 + ((7 * i) % 35)),
    rows,
    length: 8,
    lengths: Array.from({ length: rows }, () => 8),
  };

  loss(): tf.Scalar {
    const context = this.editor.encode(this.references, this.texts);
    const clean = this.editor.predict(this.latents, 0.5, context);
    return tf.mean(tf.squaredDifference(clean, this.target)) as tf.Scalar;
  }
}

const { version } = await useEngine({ engine: 'torch', threads: 1 });
const environment = rankEnvironment(process.env);
const group = environment.worldSize === 1 ? singleProcess() : await joinGroup(environment);
const model = new Step();
const { textBlocks, blocks } = model.editor;
const units = [
  ...textBlocks,
  ...blocks.map((block) => block.text),
  ...blocks.map((module) => ({ module, methods: ['forward'] })),
];
const sharded = settings.shard ? fullyShard(model, { group, units }) : null;
const parameters = sharded?.shards() ?? model.parameters();
const optimizer = AdamW.create({ parameters, learningRate: 1e-4 });

async function normOf(named: ReadonlyMap<string, tf.Tensor>): Promise<number> {
  if (sharded !== null) return sharded.globalNorm(named);
  const norm = globalNorm([...named.values()]);
  const [value] = await norm.data();
  norm.dispose();
  return value!;
}

const times = { seconds: [] as number[], cpu: [] as number[], loss: 0, version };
const objective = () => ({ loss: model.loss() });
for (let step = 0; step < warm + steps; step++) {
  const begun = performance.now();
  const worked = process.cpuUsage();
  const result = sharded === null ? gradients(objective, model.parameters()) : sharded.gradients(objective);
  optimizer.step(result.gradients, { gradientScale: clipScale(await normOf(result.gradients), 1) });
  times.loss = (await result.loss.data())[0]!;
  result.dispose();
  if (step < warm) continue;
  const { user, system } = process.cpuUsage(worked);
  times.seconds.push((performance.now() - begun) / 1000);
  times.cpu.push((user + system) / 1e6);
}
if (environment.rank === 0) console.log(JSON.stringify(times satisfies Times));
await group.barrier();
await group.close();
