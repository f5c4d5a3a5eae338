import { Key, ThinkError } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  applyOperations,
  COMPOSITIONS,
  decodeWords,
  encodeWords,
  HELD_OUT,
  ImpossibleTaskError,
  type MicroTask,
  parsePlan,
  planWords,
  RULE_NAMES,
  RULES,
  ruleTask,
  SLOTS,
  sameCells,
  sampleTask,
  TRAINED,
  taskList,
  taskStream,
  templateName,
} from '../src/index.ts';
import { solve } from './solver.ts';

const inDomain = taskList(Key.of(11), 'id', 5000);
const outOfDomain = taskList(Key.of(12), 'ood', 2000);
const all = [...inDomain, ...outOfDomain];

function bad(tasks: readonly MicroTask[], wrong: (task: MicroTask) => boolean): readonly string[] {
  return tasks.filter(wrong).map((task) => task.instruction);
}

describe('tasks', () => {
  it('have the answer that a second reading of instruction and scene gives', () => {
    expect(
      bad(all, (task) => {
        const solved = solve(task.instruction, task.scene.cells);
        return solved.some((name, cell) => name !== templateName(task.truth[cell]!));
      }),
    ).toEqual([]);
  });

  it('come to their truth by the right plan, written and read back', () => {
    expect(
      bad(all, (task) => {
        const plan = parsePlan(planWords(task.scene.cells, task.rightPlan));
        return !plan.ok || !sameCells(applyOperations(task.scene.cells, plan.operations), task.truth);
      }),
    ).toEqual([]);
  });

  it('change the scene, and no wrong plan leads to the truth or to nothing', () => {
    expect(bad(all, (task) => sameCells(task.truth, task.scene.cells))).toEqual([]);
    expect(bad(all, (task) => task.wrongPlans.length === 0)).toEqual([]);
    expect(
      bad(all, (task) =>
        task.wrongPlans.some((plan) => {
          const outcome = applyOperations(task.scene.cells, plan);
          return sameCells(outcome, task.truth) || sameCells(outcome, task.scene.cells);
        }),
      ),
    ).toEqual([]);
  });

  it('fit the slots with room for the end word', () => {
    expect(
      bad(all, (task) => {
        const plans = [task.rightPlan, ...task.wrongPlans].map((plan) => planWords(task.scene.cells, plan));
        return task.words.length >= SLOTS.instruction || plans.some((plan) => plan.length >= SLOTS.plan);
      }),
    ).toEqual([]);
    for (const task of all)
      expect(decodeWords(encodeWords(task.words, SLOTS.instruction)).join(' ')).toBe(task.instruction);
  });

  it('never say the result: no instruction names a cell', () => {
    expect(bad(all, (task) => /\b[abcd][1-4]\b/.test(task.instruction))).toEqual([]);
  });
});

describe('sampling', () => {
  it('depends on the key alone', () => {
    const stream = taskStream(Key.of(11), 'id');
    expect([stream.next().value, stream.next().value]).toEqual(inDomain.slice(0, 2));
    expect(sampleTask(Key.of(11).fold(4999), 'id')).toEqual(inDomain[4999]);
    expect(new Set(all.map((task) => task.id)).size).toBe(all.length);
  });

  it('mixes a quarter of compositions into the in-domain split, each rule alike', () => {
    const composed = inDomain.filter((task) => task.rules.length === 2).length;
    // 5000 draws at 1/4: 1250, standard deviation 30.6.
    expect(Math.abs(composed - 1250)).toBeLessThan(4 * 30.6);
    for (const name of RULE_NAMES) {
      const single = inDomain.filter((task) => task.rules.length === 1 && task.rules[0] === name).length;
      // 5000 draws at 0.75/16: 234, standard deviation 14.9.
      expect(Math.abs(single - 234)).toBeLessThan(4 * 14.9);
    }
  });

  it('keeps held-out compositions for the out-of-domain split, and nothing else in it', () => {
    const pair = (task: MicroTask) => `${task.rules[1]} ${task.rules[0]}`;
    const heldOut = new Set(HELD_OUT.map(({ state, other }) => `${state} ${other}`));
    expect(bad(outOfDomain, (task) => !heldOut.has(pair(task)))).toEqual([]);
    expect(bad(inDomain, (task) => task.rules.length === 2 && heldOut.has(pair(task)))).toEqual([]);
    expect(new Set(outOfDomain.map(pair)).size).toBe(25);
  });

  it('has 74 compositions, 25 held out', () => {
    expect([COMPOSITIONS.length, HELD_OUT.length, TRAINED.length]).toEqual([74, 25, 49]);
    for (const { state, other } of COMPOSITIONS)
      expect(ruleTask(Key.of(1), [other, state]).rules).toEqual([other, state]);
  });

  it('has four rules per category and marks held-out pairs', () => {
    const categories = Object.values(RULES).map((rule) => rule.category);
    for (const category of new Set(categories))
      expect(categories.filter((other) => other === category)).toHaveLength(4);
    const { state, other } = HELD_OUT[3]!;
    expect(ruleTask(Key.of(0), [other, state]).split).toBe('ood');
    expect(ruleTask(Key.of(0), ['push']).split).toBe('id');
  });

  it('refuses rules that cannot stand together', () => {
    expect(() => ruleTask(Key.of(0), ['sums', 'sort'])).toThrow(ImpossibleTaskError);
    try {
      ruleTask(Key.of(0), ['ice', 'glass']);
      expect.unreachable();
    } catch (error) {
      expect(ThinkError.isInstance(error)).toBe(true);
      expect(error).toMatchObject({ code: 'MICROWORLD_IMPOSSIBLE_TASK', rules: ['ice', 'glass'] });
    }
  });
});
