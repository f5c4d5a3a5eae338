// A reward of one's own, and the generation module alone: Flow-GRPO teaches the micro editor a taste for the dark. It
// learns nothing else, so before long its pictures are no longer what was asked for: own-reward.ts [ITERATIONS]
import { loadMicro, microCodec } from '@thinkrl/backbones/micro';
import { createChainSampler, fromPrevious } from '@thinkrl/cot-sampler';
import { createEditSampler, drawWindow } from '@thinkrl/edit-generator';
import { useEngine } from '@thinkrl/engine';
import { singleProcess } from '@thinkrl/fsdp-shard';
import { type MicroTask, oracleScores, taskList } from '@thinkrl/microworld';
import { AdamW } from '@thinkrl/nn';
import { assignCredit, collect, createGenerationUpdate } from '@thinkrl/orchestrator';
import { Key } from '@thinkrl/spec';
import { ucpg } from '@thinkrl/ucpg';
import { darkness, darknessReward } from './darkness.ts';

const iterations = Number(process.argv[2] ?? 30);
await useEngine();
const { policy, backbone } = await loadMicro();
const editor = createEditSampler({ backbone, codec: microCodec, steps: 4, eta: 0.7 });
const sampler = createChainSampler<MicroTask>({ policy, editor, composer: fromPrevious, rounds: 0 });
// Eight edits of one plan: what differs between them is the editor's doing.
const editsPerPlan = 8;
const collecting = { sampler, reward: darknessReward, editsPerPlan, groupSize: 8, tasksPerSample: 16 };
const update = createGenerationUpdate<MicroTask>({
  backbone,
  objective: { clip: 1e-3 },
  optimizer: AdamW.create({ parameters: backbone.parameters(), learningRate: 1e-4, weightDecay: 0 }),
  reference: null,
  innerUpdates: 1,
  maxGradientNorm: 1,
  processGroup: singleProcess(),
});

const fresh = taskList(Key.of(99), 'id', 100);
async function report(iteration: number): Promise<void> {
  const sampling = { temperature: 1 };
  const chains = await sampler.sample({
    tasks: fresh,
    groupSize: 1,
    stochastic: [],
    key: Key.of(2),
    sampling,
  });
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const dark = mean(chains.map(({ first }) => darkness(first.image)));
  const right = mean(chains.map(({ task, first }) => oracleScores(task, first.image).instruction));
  console.log(`after ${iteration}: darkness ${dark.toFixed(3)}, done as asked ${right.toFixed(2)}`);
}

await report(0);
for (let iteration = 1; iteration <= iterations; iteration++) {
  const key = Key.of(1).fold(iteration);
  const tasks = taskList(key.fold('tasks'), 'id', 16);
  const stochastic = drawWindow({ steps: 4, size: 1, shape: 'scattered' }, key.fold('window'));
  const { judged } = await collect(
    { ...collecting, sampling: { temperature: 1 } },
    { tasks, stochastic, key },
  );
  await update.step(
    assignCredit(judged, { group: ucpg, mode: 'stage', improvementFloor: 0.05, editsPerPlan }),
  );
  if (iteration % 10 === 0 || iteration === iterations) await report(iteration);
}
