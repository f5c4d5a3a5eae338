import { assignCredit, diagnose } from '@thinkrl/orchestrator';
import type { EditTask, JudgedChain } from '@thinkrl/spec';
import { ucpg } from '@thinkrl/ucpg';
import { expect, it } from 'vitest';

it('runs the example of the README', async () => {
  const picture = { width: 1, height: 1, data: new Float32Array(3) };
  const task: EditTask = { id: '1', references: [picture], instruction: '', category: '' };
  const trajectory = { sigmas: [1, 0], shape: [0], states: [], stochastic: [], logProbs: [] };
  const first = { condition: { references: [picture], text: '' }, image: picture, trajectory };
  const judged: JudgedChain[] = [0.2, 0.6, 1].map((reward, index) => ({
    chain: { task, index, plan: null, first, rounds: [] },
    stages: [{ rewards: [reward], answers: [] }],
  }));

  const [group] = assignCredit(judged, { group: ucpg, mode: 'stage', improvementFloor: 0.05 });
  const { advantages } = group!.credit[0]!; // the higher the reward, the higher the advantage
  const [table] = diagnose({ judged, classOf: () => 'any', groupings: { ucpg } });
  expect(advantages.map((a) => a.toFixed(2))).toEqual(['-1.22', '0.00', '1.22']);
  expect(table?.keptShare).toBe(1);
});
