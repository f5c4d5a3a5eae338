import {
  checklistDimension,
  intervalDimension,
  noisyJudge,
  type RewardDimension,
  repeatSpread,
  waveringRater,
} from '@thinkrl/checklist-reward';
import { useEngine } from '@thinkrl/engine';
import { exactJudge, exactRater, type MicroTask, taskList } from '@thinkrl/microworld';
import { Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';
import { loadModels, parseMicroConfig, samplerOf } from '../src/index.ts';

it('a checklist wavers at most half as much as one mark, on what the untrained editor makes', async () => {
  await useEngine();
  const sampler = samplerOf(await loadModels(), parseMicroConfig({ mode: 'plan' }));
  const tasks = taskList(Key.of(21), 'id', 60);
  const sampling = { temperature: 1 };
  const chains = await sampler.sample({ tasks, groupSize: 1, sampling, stochastic: [], key: Key.of(2) });
  const pictures = chains.map(({ task, first }) => ({ task, image: first.image }));
  const deviation = async (dimension: RewardDimension<MicroTask>) =>
    (await repeatSpread(dimension, pictures, { repeats: 200, key: Key.of(5) })).deviation;
  // The noise that the micro-world assumes: 3 % of answers turned, marks with a deviation of 0.8.
  const judge = noisyJudge(exactJudge(), { flip: 0.03 });
  const checklist = await deviation(checklistDimension<MicroTask>({ judge }));
  const interval = await deviation(intervalDimension({ rater: waveringRater(exactRater(), 0.8) }));
  expect(checklist / interval).toBeLessThanOrEqual(0.5);
});
