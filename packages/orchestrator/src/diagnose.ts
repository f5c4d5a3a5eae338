import type { EditTask, Grouping, JudgedChain } from '@thinkrl/spec';
import { assignCredit, type CreditOptions } from './credit.ts';

/** Sorts a judged chain into a class by its exact scores, for example right, idle or wrong. */
export type ChainClass<Task extends EditTask> = (member: JudgedChain<Task>) => string;

/** Mean advantage of each class of samples under one grouping. */
export interface GroupingDiagnosis {
  readonly grouping: string;
  /** Share of samples that take part in the update. */
  readonly keptShare: number;
  /** Mean advantage by class; a class without samples is left out. */
  readonly advantages: Readonly<Record<string, number>>;
}

/** What to diagnose: judged chains, how to class them, and the groupings to compare by name. */
export interface DiagnosisRequest<Task extends EditTask> {
  readonly judged: readonly JudgedChain<Task>[];
  readonly classOf: ChainClass<Task>;
  readonly groupings: Readonly<Record<string, CreditOptions['group']>>;
}

/**
 * Where an update would push, before any training: a class that should not grow but has the highest mean advantage
 * predicts a collapse onto it.
 */
export function diagnose<Task extends EditTask>(
  request: DiagnosisRequest<Task>,
): readonly GroupingDiagnosis[] {
  return Object.entries(request.groupings).map(([grouping, group]) => {
    const groups = assignCredit(request.judged, { group, mode: 'shared', improvementFloor: 0 });
    const samples = groups.flatMap(({ members, credit }) =>
      members.map((member, i) => ({ name: request.classOf(member), ...sampleCredit(credit[0]!, i) })),
    );
    const names = [...new Set(samples.map((sample) => sample.name))].sort();
    return {
      grouping,
      keptShare: share(samples.map((sample) => (sample.kept ? 1 : 0))),
      advantages: Object.fromEntries(
        names.map((name) => [
          name,
          share(samples.flatMap((sample) => (sample.name === name ? [sample.advantage] : []))),
        ]),
      ),
    };
  });
}

function sampleCredit(
  grouping: Grouping,
  sample: number,
): { readonly advantage: number; readonly kept: boolean } {
  return { advantage: grouping.advantages[sample]!, kept: grouping.kept.includes(sample) };
}

function share(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / Math.max(1, values.length);
}
