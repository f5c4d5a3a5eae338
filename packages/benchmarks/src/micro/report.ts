import { checklistScore, type Judge, judgeAgreement } from '@thinkrl/checklist-reward';
import { exactJudge, type MicroTask, oracleScores, PictureSizeError } from '@thinkrl/microworld';
import { type Answer, type Image, Key } from '@thinkrl/spec';
import { meanOf } from '../mean.ts';
import type { BenchmarkReport, ReportRow, ReportTable } from '../report.ts';
import type { SampleProblem } from '../sample.ts';

/** An edited picture of the micro-world. */
export interface MicroEdit {
  readonly task: MicroTask;
  readonly image: Image;
}

/** Settings of {@link reportMicro}. */
export interface MicroReportOptions {
  readonly editor: string;
  /** A judge whose checklist scores stand beside the exact ones. */
  readonly judge?: Judge<MicroTask>;
  /** Tasks that could not be edited. */
  readonly problems?: readonly SampleProblem[];
  readonly signal?: AbortSignal;
}

const scoreNames = ['instruction', 'strict', 'consistency', 'quality', 'idle'] as const;

/**
 * Scores edited pictures of the micro-world exactly, by split and category, in percent; and by another judge, with how
 * often its answers are the true ones. A picture that it leaves unjudged is left out of its score and noted.
 *
 * @example
 * const report = await reportMicro(edits, { editor: 'identity' });
 */
export async function reportMicro(
  edits: readonly MicroEdit[],
  options: MicroReportOptions,
): Promise<BenchmarkReport> {
  const { editor, judge, problems = [], signal } = options;
  const sized = edits.map(withScores);
  const usable = sized.filter((edit) => 'exact' in edit);
  const broken = sized.filter((edit) => 'problem' in edit);
  const opinions = judge === undefined ? [] : await opinionsOf(usable, judge, signal);
  const scored = usable.map((edit, index) => ({ ...edit, ...opinions[index] }));
  const all = [...problems, ...broken, ...unjudged(scored)];
  return {
    title: `Micro-world: ${editor}`,
    facts: {
      editor,
      judge: judge === undefined ? 'exact' : `exact, and ${judge.name} (${judge.version})`,
      tasks: `${usable.length} of ${edits.length + problems.length} scored`,
    },
    notComparable: ['the micro-world is a benchmark of this project alone'],
    tables: (['id', 'ood'] as const).map((split) =>
      tableOf(
        split,
        scored.filter(({ task }) => task.split === split),
        judge !== undefined,
      ),
    ),
    notes: all.map(({ key, problem }) => `${key}: ${problem}`),
  };
}

interface Scored extends MicroEdit {
  readonly exact: ReturnType<typeof oracleScores>;
}

interface Opinion {
  readonly judged: number | null;
  readonly agreement: number | null;
  readonly reason?: string;
}

function withScores(edit: MicroEdit): Scored | SampleProblem {
  try {
    return { ...edit, exact: oracleScores(edit.task, edit.image) };
  } catch (error) {
    if (error instanceof PictureSizeError) return { key: edit.task.id, problem: error.message };
    throw error;
  }
}

async function opinionsOf(
  edits: readonly Scored[],
  judge: Judge<MicroTask>,
  signal: AbortSignal | undefined,
): Promise<readonly Opinion[]> {
  const requests = edits.map(({ task, image }, index) => ({
    task,
    image,
    questions: task.checklist.questions,
    key: Key.of(index),
  }));
  const replies = await judge.answer(requests, signal === undefined ? {} : { signal });
  const truths = await exactJudge().answer(requests);
  return replies.map((reply, index) => {
    if ('unjudged' in reply) return { judged: null, agreement: null, reason: reply.unjudged };
    const truth = truths[index] as { readonly answers: readonly Answer[] };
    return {
      judged: checklistScore(reply.answers),
      agreement: judgeAgreement(reply.answers, truth.answers).rate,
    };
  });
}

function unjudged(edits: readonly (Scored & Partial<Opinion>)[]): readonly SampleProblem[] {
  return edits.flatMap(({ task, reason }) =>
    reason === undefined ? [] : [{ key: task.id, problem: `unjudged: ${reason}` }],
  );
}

function tableOf(
  split: MicroTask['split'],
  edits: readonly (Scored & Partial<Opinion>)[],
  withJudge: boolean,
): ReportTable {
  const categories = [...new Set(edits.map(({ task }) => task.category))].sort();
  const row = (name: string, members: typeof edits): ReportRow => ({
    name,
    cells: [
      ...scoreNames.map((score) => percent(members.map(({ exact }) => exact[score]))),
      ...(withJudge
        ? [percent(members.map(({ judged }) => judged)), percent(members.map(({ agreement }) => agreement))]
        : []),
      members.length,
    ],
  });
  return {
    title: split === 'id' ? 'In domain, percent' : 'Out of domain, percent',
    columns: [...scoreNames, ...(withJudge ? ['judge', 'agreement'] : []), 'tasks'],
    counts: ['tasks'],
    rows: [
      row('all', edits),
      ...categories.map((category) =>
        row(
          category,
          edits.filter(({ task }) => task.category === category),
        ),
      ),
    ],
  };
}

function percent(shares: readonly (number | null | undefined)[]): number | null {
  const mean = meanOf(shares.filter((share) => typeof share === 'number'));
  return mean === null ? null : 100 * mean;
}
