import {
  contactSheet,
  createMicroReward,
  encodePng,
  oracleScores,
  renderScene,
  sampleTask,
} from '@thinkrl/microworld';
import { Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';

it('runs the example of the README', () => {
  const task = sampleTask(Key.of(7), 'id');
  const truth = renderScene({ cells: task.truth, background: task.scene.background });
  const right = oracleScores(task, truth); // { instruction: 1, strict: 1, consistency: 1, quality: 1, idle: 0 }
  const untouched = oracleScores(task, task.references[0]!);
  const reward = createMicroReward('benign'); // judges chains as a noisy model would
  const sheet = encodePng(contactSheet([{ images: [task.references[0]!, truth], text: task.instruction }]));
  expect(right).toEqual({ instruction: 1, strict: 1, consistency: 1, quality: 1, idle: 0 });
  expect(untouched).toMatchObject({ strict: 0, idle: 1 });
  expect(reward.dimensions).toEqual(['instruction', 'consistency', 'quality']);
  expect(Array.from(sheet.subarray(1, 4))).toEqual(Array.from('PNG', (letter) => letter.charCodeAt(0)));
});
