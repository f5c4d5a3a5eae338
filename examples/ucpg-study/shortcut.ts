import type { Key, RandomStream } from '@thinkrl/spec';
import type { Rule } from './rules.ts';

/** What a sample of the toy policy is: a right or a wrong answer, an untouched picture, or one that is overdone. */
export type Kind = 'right' | 'idle' | 'wrong' | 'overdone';

/** A judge: mean instruction, consistency and quality of each kind of sample, as measured in the micro-world. */
export interface Judge {
  readonly name: string;
  /** Yes/no questions behind the instruction score. */
  readonly questions: number;
  /** Step to which consistency and quality are rounded. */
  readonly rounding: number;
  readonly right: readonly [number, number, number];
  readonly idle: readonly [number, number, number];
  readonly wrong: readonly [number, number, number];
  readonly overdone: readonly [number, number, number];
}

/** Judges S, C, T and Y reward an untouched picture more in sum than a right edit; M does not. */
export const judges: readonly Judge[] = [
  {
    name: 'S',
    questions: 7,
    rounding: 0.1,
    right: [0.97, 0.37, 0.62],
    idle: [0.37, 0.92, 0.93],
    wrong: [0.56, 0.44, 0.64],
    overdone: [0.97, 0.05, 0.2],
  },
  {
    name: 'C',
    questions: 5,
    rounding: 0.1,
    right: [0.97, 0.07, 0.62],
    idle: [0.11, 0.88, 0.92],
    wrong: [0.44, 0.11, 0.65],
    overdone: [0.97, 0, 0.2],
  },
  {
    name: 'T',
    questions: 6,
    rounding: 0.1,
    right: [0.96, 0.09, 0.63],
    idle: [0.06, 0.88, 0.93],
    wrong: [0.54, 0.11, 0.64],
    overdone: [0.97, 0, 0.2],
  },
  {
    name: 'Y',
    questions: 8,
    rounding: 0.25,
    right: [0.96, 0.03, 0.52],
    idle: [0.01, 0.78, 0.89],
    wrong: [0.59, 0.04, 0.52],
    overdone: [0.97, 0, 0.2],
  },
  {
    name: 'M',
    questions: 8,
    rounding: 0.25,
    right: [0.96, 0.97, 0.97],
    idle: [0.01, 0.97, 0.97],
    wrong: [0.59, 0.97, 0.97],
    overdone: [0.97, 0.5, 0.5],
  },
];

/** Where a run of the toy policy starts and how long it is. */
export interface Run {
  readonly judge: Judge;
  readonly rule: Rule;
  readonly key: Key;
  /** Share of idle and of overdone samples at the start. */
  readonly idle: number;
  readonly overdone?: number;
  /** Deviation of noise on the instruction score, beside that of its questions. */
  readonly instructionNoise?: number;
  readonly iterations?: number;
}

/** Share of each kind per iteration: `[iteration]`. */
export type Course = readonly Readonly<Record<Kind, number>>[];

const taskKinds = 32;
const answers = 5;
const groupsPerStep = 8;
const groupSize = 8;
const learningRate = 0.5;
/** The answers to one kind of task are seen less often than the habits; this evens out part of it. */
const answerRate = 8 * learningRate;

interface Policy {
  /** Logits of attempting, leaving the picture alone, overdoing it: one habit for all tasks. */
  readonly habit: number[];
  /** Logits of the answers to each kind of task; answer 0 is right: `[taskKinds][answers]`. */
  readonly answer: number[][];
}

interface Act {
  readonly habit: number;
  readonly answer: number;
}

interface Group {
  readonly task: number;
  readonly acts: readonly Act[];
  readonly advantages: readonly number[];
}

/**
 * Trains a policy of 163 logits by policy gradient. It first chooses whether to attempt the edit, to leave the picture
 * alone or to overdo it, one habit for all tasks; an attempt then needs the right one of 5 answers, which differs
 * between 32 kinds of tasks and is right 41 % of the time at first. Habits are quick to learn, answers slow.
 */
export function train(run: Run): Course {
  const { judge, rule, key, idle, overdone = 0, iterations = 100 } = run;
  const policy: Policy = {
    habit: [1 - idle - overdone, idle, overdone].map((share) => Math.log(Math.max(share, 1e-9))),
    answer: Array.from({ length: taskKinds }, () =>
      Array.from({ length: answers }, (_, at) => Math.log(at === 0 ? 0.41 : 0.59 / (answers - 1))),
    ),
  };
  return Array.from({ length: iterations }, (_, iteration) => {
    const groups = key
      .fold(iteration)
      .split(groupsPerStep)
      .map((own): Group => {
        const stream = own.stream();
        const task = stream.integer(taskKinds);
        const acts = Array.from({ length: groupSize }, () => act(policy, task, stream));
        return {
          task,
          acts,
          advantages: rule(rewardsOf(acts, judge, { stream, noise: run.instructionNoise ?? 0 })),
        };
      });
    update(policy, groups);
    return shares(groups);
  });
}

function act(policy: Policy, task: number, stream: RandomStream): Act {
  const habit = draw(policy.habit, stream);
  return { habit, answer: habit === 0 ? draw(policy.answer[task]!, stream) : 0 };
}

function kindOf({ habit, answer }: Act): Kind {
  if (habit === 0) return answer === 0 ? 'right' : 'wrong';
  return habit === 1 ? 'idle' : 'overdone';
}

function rewardsOf(
  acts: readonly Act[],
  judge: Judge,
  { stream, noise }: { readonly stream: RandomStream; readonly noise: number },
): readonly (readonly number[])[] {
  const task = [0.08 * stream.normal(), 0.08 * stream.normal()];
  return acts.map((taken) => {
    const kind = kindOf(taken);
    const [instruction, ...rest] = judge[kind];
    const own = kind === 'wrong' ? 0.18 * stream.normal() : 0;
    const right = Math.min(0.9, Math.max(0.1, instruction + own));
    const chance = kind === 'wrong' ? right : instruction;
    const yes = Array.from({ length: judge.questions }, () => stream.uniform() < chance).filter(
      Boolean,
    ).length;
    const scores = rest.map((level, k) => {
      const shift = (kind === 'idle' ? 0 : task[k]!) + (kind === 'wrong' ? 0.1 * stream.normal() : 0);
      const value = Math.min(1, Math.max(0, level + shift + 0.03 * stream.normal()));
      return Math.round(value / judge.rounding) * judge.rounding;
    });
    return [yes / judge.questions + noise * stream.normal(), ...scores];
  });
}

/**
 * One step along the mean of `A grad log p` over the samples with an advantage, which are brought to a root mean square
 * of 1 over the step (0.15 is the least that is divided by), so that rules differ in direction and not in step size.
 */
function update(policy: Policy, groups: readonly Group[]): void {
  const used = groups.flatMap(({ advantages }) => advantages.filter((advantage) => advantage !== 0));
  const square = used.reduce((sum, advantage) => sum + advantage * advantage, 0) / Math.max(1, used.length);
  const scale = Math.max(1, used.length) * Math.max(0.15, Math.sqrt(square));
  const habits = softmax(policy.habit);
  const old = policy.answer.map(softmax);
  for (const { task, acts, advantages } of groups)
    acts.forEach(({ habit, answer }, i) => {
      const weight = advantages[i]! / scale;
      climb(policy.habit, { chosen: habit, chances: habits, rate: learningRate * weight });
      if (habit === 0)
        climb(policy.answer[task]!, { chosen: answer, chances: old[task]!, rate: answerRate * weight });
    });
}

interface Climb {
  readonly chosen: number;
  readonly chances: readonly number[];
  readonly rate: number;
}

function climb(logits: number[], { chosen, chances, rate }: Climb): void {
  logits.forEach((_, at) => {
    logits[at]! += rate * ((at === chosen ? 1 : 0) - chances[at]!);
  });
}

function softmax(logits: readonly number[]): readonly number[] {
  const most = Math.max(...logits);
  const odds = logits.map((logit) => Math.exp(logit - most));
  const total = odds.reduce((sum, value) => sum + value, 0);
  return odds.map((value) => value / total);
}

function draw(logits: readonly number[], stream: RandomStream): number {
  let rest = stream.uniform();
  const at = softmax(logits).findIndex((chance) => {
    rest -= chance;
    return rest < 0;
  });
  return Math.max(0, at);
}

function shares(groups: readonly Group[]): Readonly<Record<Kind, number>> {
  const kinds = groups.flatMap(({ acts }) => acts.map(kindOf));
  const share = (kind: Kind) => kinds.filter((found) => found === kind).length / kinds.length;
  return { right: share('right'), idle: share('idle'), wrong: share('wrong'), overdone: share('overdone') };
}
