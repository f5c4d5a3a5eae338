import { join } from 'node:path';
import type { MicroEdit, SampleProblem } from '@thinkrl/benchmarks';
import type { Judge } from '@thinkrl/checklist-reward';
import type { Invocation } from '../command.ts';
import { evaluationConfigOf, sourceOf } from '../config.ts';
import { watch } from '../watch.ts';
import { editorOf } from './editor.ts';
import { checklistJudgeOf } from './judge.ts';
import { sayReport } from './say-report.ts';
import { stageBar } from './stage-bar.ts';

/** Whether an evaluation is that of the micro editor by the exact judge alone, without a report. */
export function isPlain({ line }: Invocation): boolean {
  const { editor = 'micro', judge = 'exact', out } = line.values;
  return editor === 'micro' && judge === 'exact' && out === undefined;
}

/** `thinkrl eval --bench micro` with another editor or a judge beside the exact one. */
export async function runMicroBench(invocation: Invocation): Promise<number> {
  const { line, output } = invocation;
  const { reportMicro, writeReport } = await import('@thinkrl/benchmarks');
  const judge = (await checklistJudgeOf(invocation)) as Judge<MicroEdit['task']> | null;
  const { name, edits, problems, out } = await editsOf(invocation, line.values.editor ?? 'micro');
  const report = await reportMicro(edits, { editor: name, problems, ...(judge !== null && { judge }) });
  await sayReport(output, report, await writeReport(out, report));
  return 0;
}

interface Edits {
  readonly name: string;
  readonly out: string;
  readonly edits: readonly MicroEdit[];
  readonly problems: readonly SampleProblem[];
}

async function editsOf(invocation: Invocation, what: string): Promise<Edits> {
  const { line, output, recipe } = invocation;
  const config = evaluationConfigOf(invocation);
  const count = config.evaluation.tasks;
  const splits = ['id', 'ood'] as const;
  const folder = (name: string) => line.values.out ?? join('runs', `eval-micro-${name}`);
  if (what === 'micro') {
    const edits: MicroEdit[] = [];
    for (const split of splits) {
      const { onEvent } = watch(output);
      const { scenes } = await recipe.editMicro(config, {
        ...sourceOf(invocation),
        split,
        from: 0,
        count,
        onEvent,
      });
      edits.push(...scenes.map(({ task, pictures }) => ({ task, image: pictures[2]! })));
    }
    return { name: what, out: folder(what), edits, problems: [] };
  }
  const { editMicroTasks } = await import('@thinkrl/benchmarks');
  const editor = await editorOf(what);
  const out = folder(editor.name);
  const progress = stageBar(invocation);
  const onEdit = (done: number, total: number) => progress.update({ stage: 'edit', done, total });
  try {
    const tasks = splits.flatMap((split) => recipe.evaluationTasks(split, count));
    const edited = await editMicroTasks(tasks, { out, editor, onEdit });
    return { name: editor.name, out, ...edited };
  } finally {
    progress.finish();
    await editor.close?.();
  }
}
