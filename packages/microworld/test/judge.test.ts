import { answerTo, checklistScore } from '@thinkrl/checklist-reward';
import { type Chain, ConfigError, type Image, Key } from '@thinkrl/spec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyOperations,
  type Cells,
  cellJudge,
  createMicroReward,
  exactJudge,
  JUDGE_PRESETS,
  keptConsistency,
  lazyQuality,
  type MicroTask,
  oracleScores,
  plainQuality,
  presetOf,
  readPicture,
  renderScene,
  ruleTask,
  sameCells,
  steepConsistency,
  taskList,
} from '../src/index.ts';
import { carriedOut, meanOf, pictureOf } from './pictures.ts';

const tasks = taskList(Key.of(21), 'id', 2000);
const mixed = [...tasks, ...taskList(Key.of(22), 'ood', 500)];

function chainOf(task: MicroTask, image: Image, index = 0): Chain<MicroTask> {
  return {
    task,
    index,
    plan: null,
    first: {
      condition: { references: task.references, text: '' },
      image,
      trajectory: { sigmas: [1, 0], shape: [], states: [], stochastic: [], logProbs: [] },
    },
    rounds: [],
  };
}

describe('checklists', () => {
  it('have 4, 6 or 8 questions, half of which expect no', () => {
    const counts = mixed.map(({ checklist }) => {
      const ids = new Set(checklist.questions.map((question) => question.id));
      const noes = checklist.questions.filter((question) => question.expected === 'no').length;
      return `${ids.size} different of ${checklist.questions.length}, ${noes} expect no`;
    });
    expect([...new Set(counts)].sort()).toEqual([
      '4 different of 4, 2 expect no',
      '6 different of 6, 3 expect no',
      '8 different of 8, 4 expect no',
    ]);
  });

  it('give 1/2 to a judge that always says the same', () => {
    const scores = mixed.flatMap(({ checklist }) =>
      (['yes', 'no'] as const).map((reply) =>
        checklistScore(checklist.questions.map((question) => answerTo(question, reply))),
      ),
    );
    expect(new Set(scores)).toEqual(new Set([0.5]));
  });

  it('agree in full with the true picture', () => {
    const scores = mixed.map((task) => JSON.stringify(oracleScores(task, pictureOf(task, task.truth))));
    const perfect = { instruction: 1, strict: 1, consistency: 1, quality: 1, idle: 0 };
    expect(new Set(scores)).toEqual(new Set([JSON.stringify(perfect)]));
  });

  it('agree in full with nothing but the true picture', () => {
    const changes = fc.array(fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 52 })), {
      maxLength: 3,
    });
    const start = fc.constantFrom('scene' as const, 'truth' as const);
    fc.assert(
      fc.property(fc.constantFrom(...mixed), start, changes, (task, from, edits) => {
        let cells: Cells = from === 'truth' ? task.truth : task.scene.cells;
        for (const [cell, thing] of edits) cells = cells.with(cell, thing);
        expect(oracleScores(task, pictureOf(task, cells)).strict).toBe(Number(sameCells(cells, task.truth)));
      }),
      { numRuns: 500 },
    );
  });

  it('give an untouched picture little and a wrong plan more', () => {
    const idle = meanOf(tasks, (task) => oracleScores(task, task.references[0]!).instruction);
    const wrong = meanOf(
      tasks,
      (task) => oracleScores(task, carriedOut(task, task.wrongPlans[0]!)).instruction,
    );
    expect(idle).toBeGreaterThan(0.3);
    expect(idle).toBeLessThan(0.45);
    expect(wrong).toBeGreaterThan(0.48);
    expect(wrong).toBeLessThan(0.62);
  });

  it('read as sentences', () => {
    const { checklist } = ruleTask(Key.of(3), ['glass']);
    for (const question of checklist.questions) expect(question.text).toMatch(/^(Is|Did) [\w ,]+\?$/);
  });
});

describe('exactJudge', () => {
  const [task] = tasks;
  const request = {
    task: task!,
    image: task!.references[0]!,
    questions: task!.checklist.questions,
    key: Key.of(0),
  };

  it('leaves a picture unjudged when it cannot answer', async () => {
    const questions = [{ id: 'style', text: 'Is it pretty?', expected: 'yes' as const }];
    const replies = await exactJudge().answer([{ ...request, questions }, request]);
    expect(replies[0]).toEqual({ unjudged: 'cannot answer the question style' });
    expect(replies[1]).toHaveProperty('answers');
  });

  it('refuses an untouched picture where told to', async () => {
    const [reply] = await exactJudge({ refuseIdle: true }).answer([request]);
    expect(reply).toHaveProperty(
      'answers',
      request.questions.map((question) => answerTo(question, question.expected === 'yes' ? 'no' : 'yes')),
    );
  });
});

describe('metrics', () => {
  const task = ruleTask(Key.of(5), ['candle']);
  const white = { width: 32, height: 32, data: new Float32Array(3072).fill(1) };
  const grey = (base: Image, by: number): Image => ({ ...base, data: base.data.map((value) => value - by) });

  it('measure kept cells against the reference', () => {
    // Every number 0.05 lower is 0.1 on the [-1, 1] scale: 1 - 0.1 / 0.5 = 0.8 in each of the 15 kept cells.
    expect(keptConsistency(task, grey(pictureOf(task, task.truth), 0.05))).toBeCloseTo(0.8, 5);
    expect(keptConsistency(task, white)).toBeLessThan(1);
  });

  it('measure the whole picture, steeply', () => {
    const shifted = grey(task.references[0]!, 0.01);
    // Mean rmse 0.02 against a scale of 0.04: 1/2.
    expect(steepConsistency(task, shifted, 0.04)).toBeCloseTo(0.5, 5);
    expect(steepConsistency(task, task.references[0]!, 0.04)).toBe(1);
    expect(steepConsistency(task, white, 0.04)).toBe(0);
  });

  it('measure quality by the nearest template, lazily less for a change', () => {
    const shifted = grey(task.references[0]!, 0.015);
    const reading = readPicture(shifted, task.scene.background);
    // rmse 0.03 in every cell: 1 - 0.03 / 0.3 = 0.9; lazy at scale 0.06: 0.9 - 0.5 * 0.5 = 0.65.
    expect(plainQuality(reading)).toBeCloseTo(0.9, 5);
    expect(lazyQuality(task, shifted, 0.06)).toBeCloseTo(0.65, 5);
  });
});

describe('presets', () => {
  const sample = tasks.slice(0, 250);
  const right = sample.map((task) => chainOf(task, pictureOf(task, task.truth)));
  const idle = sample.map((task) => chainOf(task, task.references[0]!, 1));
  const wrong = sample.map((task) => chainOf(task, carriedOut(task, task.wrongPlans[0]!), 2));

  async function meanRewards(preset: 'benign' | 'conflict') {
    const reward = createMicroReward(preset);
    const means = [];
    for (const chains of [right, idle, wrong]) {
      const judged = await reward.judge(chains, Key.of(31));
      means.push([0, 1, 2].map((k) => meanOf(judged, ({ stages }) => stages[0]!.rewards[k]!)));
    }
    return means as [number[], number[], number[]];
  }

  const sum = (rewards: readonly number[]) => rewards.reduce((total, reward) => total + reward, 0);

  it('benign: a right edit is best in sum, an untouched picture gets nothing for the instruction', async () => {
    const [good, untouched, bad] = await meanRewards('benign');
    expect(sum(good)).toBeGreaterThan(sum(bad) + 0.2);
    expect(sum(bad)).toBeGreaterThan(sum(untouched) + 0.2);
    // Replies are flipped at 0.03.
    expect(good[0]).toBeCloseTo(0.97, 1);
    expect(untouched[0]).toBeCloseTo(0.03, 1);
  });

  it('conflict: an untouched picture has the larger sum, though the instruction puts it last', async () => {
    const [good, untouched, bad] = await meanRewards('conflict');
    expect(sum(untouched)).toBeGreaterThan(sum(good) + 0.2);
    expect(untouched[0]).toBeLessThan(bad[0]!);
    expect(bad[0]).toBeLessThan(good[0]!);
    // Weights 4, 1, 1 are not misled.
    expect(sum(good) + 3 * good[0]!).toBeGreaterThan(sum(untouched) + 3 * untouched[0]!);
    expect(JUDGE_PRESETS.conflict.notice).toContain('built to mislead');
    expect(JUDGE_PRESETS.benign.notice).toBeNull();
  });

  it('give rewards in [0, 1] in five steps, and the exact scores as oracle', async () => {
    const reward = createMicroReward('benign');
    expect(reward.dimensions).toEqual(['instruction', 'consistency', 'quality']);
    for (const { chain, stages } of await reward.judge(wrong, Key.of(32))) {
      const [, consistency, quality] = stages[0]!.rewards;
      for (const value of [consistency!, quality!]) expect([0, 0.25, 0.5, 0.75, 1]).toContain(value);
      expect(stages[0]!.oracle).toEqual(oracleScores(chain.task, chain.first.image));
    }
  });

  it('take settings of their own and refuse impossible ones', async () => {
    const exact = {
      ...JUDGE_PRESETS.benign.settings,
      untouched: 'scored' as const,
      flip: 0,
      noise: 0,
      rounding: 0,
    };
    const judged = await createMicroReward(exact).judge(
      [...idle.slice(0, 20), ...wrong.slice(0, 20)],
      Key.of(0),
    );
    for (const { stages } of judged) {
      const { instruction, consistency, quality } = stages[0]!.oracle!;
      expect(stages[0]!.rewards).toEqual([instruction, consistency, quality]);
    }
    expect(() => createMicroReward({ ...exact, qualityScale: 0 })).toThrow(ConfigError);
    expect(() => createMicroReward({ ...exact, flip: 2 })).toThrow('flip');
    expect(() => presetOf('kind')).toThrow('use one of benign, conflict');
  });

  it('score what a plan makes of the scene', () => {
    const task = ruleTask(Key.of(8), ['support']);
    const scores = task.wrongPlans.map((plan) =>
      oracleScores(task, pictureOf(task, applyOperations(task.scene.cells, plan))),
    );
    for (const score of scores) {
      expect(score.strict).toBe(0);
      expect(score.instruction).toBeLessThan(1);
      expect(score.idle).toBe(0);
    }
  });
});

describe('a judge that reads cells by other means', () => {
  const [task] = taskList(Key.of(21), 'id', 1);
  const image = renderScene({ cells: task!.truth, background: task!.scene.background });
  const request = { task: task!, image, questions: task!.checklist.questions, key: Key.of(1) };
  const reading = (cells: readonly number[]) =>
    cellJudge({ name: 'other eyes', version: '1', read: async (images) => images.map(() => cells) });

  it('is the exact judge where it reads what is there, and is wrong where it is not', async () => {
    expect(await reading(task!.truth).answer([request])).toEqual(await exactJudge().answer([request]));
    const [reply] = await reading(task!.scene.cells).answer([request]);
    expect('answers' in reply! && reply.answers.every(({ agrees }) => agrees)).toBe(false);
  });

  it('has its share of answers against the truth reported beside the exact scores', async () => {
    for (const [cells, wrong] of [
      [task!.truth, 0],
      // An untouched picture in its eyes: refused, so that every question and whether anything was done is answered wrongly.
      [task!.scene.cells, 1],
    ] as const) {
      const judge = cellJudge({
        name: 'eyes',
        version: '1',
        refuseIdle: true,
        read: async (images) => images.map(() => cells),
      });
      const reward = createMicroReward('benign', judge);
      const [judged] = await reward.judge([chainOf(task!, image)], Key.of(2));
      expect(judged!.stages[0]!.oracle!.disagreement).toBe(wrong);
    }
  });
});
