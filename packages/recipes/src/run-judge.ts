import { join } from 'node:path';
import type { Judge } from '@thinkrl/checklist-reward';
import { cachedJudge } from '@thinkrl/checklist-reward/cache';
import { createMicroJudge, type MicroTask } from '@thinkrl/microworld';
import type { RunFolder } from '@thinkrl/orchestrator';
import type { MicroConfig } from './config.ts';
import type { RunListener } from './event.ts';

/**
 * Does `work` with the judge of a run; with `keepJudgements`, its replies are kept in the folder `judgements` of the run,
 * and what a resumed run does again is not asked again.
 *
 * @throws JudgeCacheError when they cannot be kept.
 */
export async function withRunJudge<T>(
  config: MicroConfig,
  { folder, tell }: { readonly folder: RunFolder; readonly tell: RunListener },
  work: (judge: Judge<MicroTask>) => Promise<T>,
): Promise<T> {
  const judge = createMicroJudge(config.judge);
  if (!config.keepJudgements) return work(judge);
  const onNotice = (text: string) => tell({ type: 'notice', text });
  const kept = await cachedJudge(judge, { folder: join(folder.root, 'judgements'), onNotice });
  try {
    return await work(kept);
  } finally {
    await kept.close();
  }
}
