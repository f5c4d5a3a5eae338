import { join } from 'node:path';
import type { Judge } from '@thinkrl/checklist-reward';
import { cachedJudge } from '@thinkrl/checklist-reward/cache';
import { createMicroJudge, type MicroTask } from '@thinkrl/microworld';
import type { RunFolder } from '@thinkrl/orchestrator';
import type { EditTask } from '@thinkrl/spec';
import type { MicroConfig } from './config.ts';
import type { RunListener } from './event.ts';
import { withLearnedJudge } from './learned-judge.ts';

/** Whose judge it is and where its replies are kept. */
export interface RunJudgeOptions {
  readonly folder: RunFolder;
  readonly tell: RunListener;
  /** Answers the checklists instead of the judge that the settings name. */
  readonly judge?: Judge<MicroTask> | undefined;
}

/**
 * Does `work` with the judge of a run; with `keepJudgements`, its replies are kept in the run.
 *
 * @throws JudgeCacheError when they cannot be kept.
 */
export async function withRunJudge<T>(
  config: MicroConfig,
  { folder, tell, judge }: RunJudgeOptions,
  work: (judge: Judge<MicroTask>) => Promise<T>,
): Promise<T> {
  const withJudge = (own: Judge<MicroTask>) =>
    config.keepJudgements ? keepingJudgements(own, { folder, tell }, work) : work(own);
  if (judge !== undefined) return withJudge(judge);
  return withLearnedJudge(config, (learned) => withJudge(learned ?? createMicroJudge(config.judge)));
}

/**
 * Does `work` with a judge whose replies are kept in the folder `judgements` of a run: what a resumed run does again is
 * not asked again.
 *
 * @throws JudgeCacheError when they cannot be kept.
 */
export async function keepingJudgements<Task extends EditTask, T>(
  judge: Judge<Task>,
  { folder, tell }: Pick<RunJudgeOptions, 'folder' | 'tell'>,
  work: (judge: Judge<Task>) => Promise<T>,
): Promise<T> {
  const onNotice = (text: string) => tell({ type: 'notice', text });
  const kept = await cachedJudge(judge, { folder: join(folder.root, 'judgements'), onNotice });
  try {
    return await work(kept);
  } finally {
    await kept.close();
  }
}
