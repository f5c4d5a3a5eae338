import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadMicro } from '@thinkrl/backbones/micro';
import { exportOnnx } from '@thinkrl/backbones/micro-onnx';
import { createChainSampler, fromPrevious } from '@thinkrl/cot-sampler';
import { useEngine } from '@thinkrl/engine';
import { taskList } from '@thinkrl/microworld';
import { loadNetwork } from '@thinkrl/onnx';
import { Key } from '@thinkrl/spec';
import { OnnxEditBackbone } from './onnx-edit-backbone.ts';

await useEngine();
const { policy, backbone } = await loadMicro();
const path = join(mkdtempSync(join(tmpdir(), 'swap-backbone-')), 'editor.onnx');
await exportOnnx(path, backbone.model);

const network = await loadNetwork({ model: path });
const editor = new OnnxEditBackbone(network, 4);
const sampler = createChainSampler({ policy, editor, composer: fromPrevious, rounds: 1 });
const tasks = taskList(Key.of(1), 'id', 2);
const sampling = { temperature: 0 };
const chains = await sampler.sample({ tasks, groupSize: 1, sampling, stochastic: [], key: Key.of(2) });
for (const { task, plan, rounds } of chains)
  console.log(`${task.instruction}: ${plan?.text}, then ${rounds[0]?.reflection.text}`);
await network.close();
