import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import {
  LORA_TARGETS,
  parseTransformerConfig,
  QwenImageTransformer,
} from '@thinkrl/backbones/qwen-image-edit';
import { useEngine } from '@thinkrl/engine';
import {
  keyedNormal,
  LoraAdapter,
  loadPeftAdapter,
  openSafetensors,
  type ParameterMap,
  saveParameters,
  savePeftAdapter,
} from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';

const { values: options } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });

const CONFIG = {
  patch_size: 2,
  in_channels: 16,
  out_channels: 4,
  num_layers: 3,
  attention_head_dim: 16,
  num_attention_heads: 3,
  joint_attention_dim: 24,
  guidance_embeds: false,
  axes_dims_rope: [4, 6, 6],
};
const GRIDS = [
  { height: 2, width: 3 },
  { height: 3, width: 2 },
];
const LEVEL = 0.625;
const key = Key.of(41);

await useEngine({ engine: 'torch', threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'thinkrl-adapter-'));
const config = parseTransformerConfig(CONFIG);
const model = new QwenImageTransformer(config);
randomize(model.parameters(), 0.2);
const [hidden, text] = [normal([1, 12, 16], 'hidden'), normal([1, 5, 24], 'text')] as [
  tf.Tensor3D,
  tf.Tensor3D,
];
const base = answer(model);
const adapter = LoraAdapter.attach(model, {
  rank: 4,
  alpha: 6,
  targets: LORA_TARGETS,
  key: key.fold('lora'),
});
randomize(adapter.parameters(), 0.3);
const adapted = answer(model);

mkdirSync(join(folder, 'transformer'));
const named = { _class_name: 'QwenImageTransformer2DModel', ...CONFIG };
writeFileSync(join(folder, 'transformer', 'config.json'), JSON.stringify(named));
const weights = join(folder, 'transformer', 'diffusion_pytorch_model.safetensors');
await saveParameters(weights, model.parameters(), { metadata: { format: 'pt' } });
await savePeftAdapter(join(folder, 'diffusers'), adapter, { prefix: 'transformer.' });
await savePeftAdapter(join(folder, 'peft'), adapter);
const level = tf.tensor1d([LEVEL]);
await saveParameters(
  join(folder, 'io.safetensors'),
  new Map(Object.entries({ hidden, text, level, base, adapted })),
);
writeFileSync(join(folder, 'grids.json'), JSON.stringify(GRIDS.map(({ height, width }) => [height, width])));

const peer = fileURLToPath(new URL('./peers/adapter.py', import.meta.url));
const found = JSON.parse(
  execFileSync(options.python, [peer, folder], { encoding: 'utf8' }).split('\n').at(-2)!,
);
console.log({ ...found, 'written by peft, read here': await readAgain() });
rmSync(folder, { recursive: true });

/** Largest difference of the output with the adapter as peft wrote it, and whether its names are ours. */
async function readAgain(): Promise<{ readonly gap: number; readonly sameNames: boolean }> {
  const again = new QwenImageTransformer(config);
  const own = model.parameters();
  for (const [name, variable] of again.parameters()) variable.assign(own.get(name)!);
  await loadPeftAdapter(join(folder, 'again'), again);
  const names = ['again', 'peft'].map((name) => {
    const file = openSafetensors(join(folder, name, 'adapter_model.safetensors'));
    file.close();
    return [...file.tensors.keys()].sort().join();
  });
  const gap = tf.max(tf.abs(tf.sub(answer(again), adapted))).dataSync()[0]!;
  return { gap, sameNames: names[0] === names[1] };
}

/** Velocity of all image tokens. */
function answer(transformer: QwenImageTransformer): tf.Tensor {
  return tf.tidy(() => {
    const [latents, references] = tf.split(hidden, [6, 6], 1) as [tf.Tensor3D, tf.Tensor3D];
    const condition = transformer.condition({ text, references, grids: GRIDS });
    return transformer.predict(latents, condition, { vectors: transformer.levelVectors([LEVEL]), keep: 12 });
  });
}

function randomize(parameters: ParameterMap, deviation: number): void {
  for (const [name, variable] of parameters)
    tf.tidy(() => variable.assign(tf.mul(normal(variable.shape, name), deviation)));
}

function normal(shape: readonly number[], label: string): tf.Tensor {
  return tf.reshape(keyedNormal([key.fold(label)], shape), [...shape]);
}
