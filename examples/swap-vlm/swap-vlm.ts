// Start a server of any vision and language model, then: BASE_URL=http://localhost:8000/v1 MODEL=Qwen/Qwen3-VL-8B-Instruct npm start
import { loadMicro, microCodec } from '@thinkrl/backbones/micro';
import { createChainSampler, fromPrevious } from '@thinkrl/cot-sampler';
import { createServedPolicy } from '@thinkrl/cot-sampler/served';
import { createEditSampler } from '@thinkrl/edit-generator';
import { useEngine } from '@thinkrl/engine';
import { taskList } from '@thinkrl/microworld';
import { createServedModel } from '@thinkrl/served';
import { Key } from '@thinkrl/spec';

const { BASE_URL: baseURL = 'http://localhost:8000/v1', MODEL: model = 'Qwen/Qwen3-VL-8B-Instruct' } =
  process.env;

await useEngine();
const { backbone } = await loadMicro();
const sampler = createChainSampler({
  // The one line: it stood `policy: (await loadMicro()).policy` here.
  policy: await createServedPolicy({ model: createServedModel({ baseURL, model }) }),
  editor: createEditSampler({ backbone, codec: microCodec, steps: 4 }),
  composer: fromPrevious,
  rounds: 0,
});
const tasks = taskList(Key.of(1), 'id', 1);
const sampling = { temperature: 0 };
const chains = await sampler.sample({ tasks, groupSize: 2, sampling, stochastic: [], key: Key.of(2) });
for (const { plan, first } of chains) console.log(plan?.wellFormed, first.condition.text);
