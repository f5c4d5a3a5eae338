import type { Key } from '@thinkrl/spec';
import { ucpg } from '@thinkrl/ucpg';
import type { Curve } from './chart.ts';
import { table } from './markdown.ts';
import { type Rule, rules } from './rules.ts';
import { type Course, type Judge, judges, type Kind, type Run, train } from './shortcut.ts';
import { mean, standardError } from './statistics.ts';

/** What the study says of a reward that is easy to get without doing the task. */
export interface EasyRewardStudy {
  readonly course: readonly Curve[];
  readonly starts: readonly Curve[];
  readonly judges: string;
  readonly hard: string;
  readonly tolerances: string;
}

/** One column of a table: where runs start. */
interface Case {
  readonly name: string;
  readonly run: Omit<Run, 'rule' | 'key'>;
}

const [S, , , Y] = judges as readonly [Judge, Judge, Judge, Judge, Judge];
const gentle: readonly Case[] = judges.map((judge) => ({ name: judge.name, run: { judge, idle: 0.07 } }));
const starts: readonly Case[] = [0.03, 0.1, 0.2, 0.3, 0.45, 0.6].map((idle) => ({
  name: `${idle}`,
  run: { judge: S, idle },
}));
const hard: readonly Case[] = [
  { name: 'S, 30 % idle', run: { judge: S, idle: 0.3 } },
  { name: 'S, 60 % idle', run: { judge: S, idle: 0.6 } },
  { name: 'Y, 60 % idle', run: { judge: Y, idle: 0.6 } },
  { name: 'S, 30 % idle, noise 0.3', run: { judge: S, idle: 0.3, instructionNoise: 0.3 } },
  {
    name: 'Y, 30 % overdone, noise 0.1',
    run: { judge: Y, idle: 0.07, overdone: 0.3, instructionNoise: 0.1 },
  },
  {
    name: 'Y, 60 % overdone, noise 0.1',
    run: { judge: Y, idle: 0.07, overdone: 0.6, instructionNoise: 0.1 },
  },
];
const tolerances: Readonly<Record<string, Rule>> = Object.fromEntries(
  [0, 0.125, 0.25, 0.5, 1].map((leadTolerance) => [
    `tolerance ${leadTolerance}`,
    (rewards) => ucpg(rewards, { standardDeviationFloor: 0.05, lead: 0, leadTolerance }).advantages,
  ]),
);

/** Runs of one rule from one start, a seed each. */
type Runs = readonly Course[];

/** Trains the toy policy under every rule. `effort` scales the number of seeds, and below 0.1 the length of runs. */
export function studyEasyReward(key: Key, effort: number): EasyRewardStudy {
  const keys = key.split(Math.max(1, Math.round(10 * effort)));
  const iterations = Math.min(100, 30 + Math.round(700 * effort));
  const runsOf = (rule: Rule, { run }: Case): Runs =>
    keys.map((own) => train({ ...run, rule, key: own, iterations }));
  const trainAll = (named: Readonly<Record<string, Rule>>, cases: readonly Case[]) =>
    Object.entries(named).map(([name, rule]) => ({ name, runs: cases.map((found) => runsOf(rule, found)) }));
  const underJudges = trainAll(rules, gentle);
  return {
    course: underJudges.map(({ name, runs }) => ({ name, points: courseOf(runs[0]!, 'idle') })),
    starts: trainAll(rules, starts).map(({ name, runs }) => ({
      name,
      points: starts.map(({ run }, at) => [run.idle, mean(finalShares(runs[at]!, 'right'))]),
    })),
    judges: outcomes(gentle, underJudges, ['right', 'idle']),
    hard: outcomes(hard, trainAll(rules, hard), ['right', 'idle', 'overdone']),
    tolerances: outcomes(hard, trainAll(tolerances, hard), ['right', 'idle', 'overdone']),
  };
}

/** Mean share of a kind over runs, a point for every five iterations. */
function courseOf(runs: Runs, kind: Kind): Curve['points'] {
  const block = 5;
  return Array.from({ length: Math.floor(runs[0]!.length / block) }, (_, at) => [
    (at + 0.5) * block,
    mean(runs.flatMap((course) => course.slice(at * block, (at + 1) * block).map((share) => share[kind]))),
  ]);
}

/** Mean share of a kind over the last 30 iterations of each run. */
function finalShares(runs: Runs, kind: Kind): readonly number[] {
  return runs.map((course) => mean(course.slice(-30).map((share) => share[kind])));
}

function outcomes(
  cases: readonly Case[],
  rows: readonly { readonly name: string; readonly runs: readonly Runs[] }[],
  kinds: readonly Kind[],
): string {
  const cell = (runs: Runs) =>
    kinds
      .map((kind) => {
        const shares = finalShares(runs, kind).map((share) => 100 * share);
        const text = mean(shares).toFixed(0);
        return kind === 'right' ? `${text} ± ${standardError(shares).toFixed(0)}` : text;
      })
      .join(' / ');
  return table(
    ['rule', ...cases.map(({ name }) => name)],
    rows.map(({ name, runs }) => [name, ...runs.map(cell)]),
  );
}
