import { appendFileSync } from 'node:fs';
import type { Judge } from '@thinkrl/checklist-reward';
import type { MicroTask } from '@thinkrl/microworld';
import type { RunEvent } from '@thinkrl/recipes';
import { createRequestHasher } from '../../../checklist-reward/src/cache/request-hash.ts';
import { judgingOf } from '../../src/qwen-image-edit/servers.ts';

/** Where the judge is, and who is told what it does. */
export interface WatchedJudgeOptions {
  readonly url: string;
  /** A file: before the server is asked about a picture, the hash that its judgement is kept under is appended. */
  readonly log: string;
  /** Requests on their way at once, over all ranks. */
  readonly concurrency: number;
  /** Is told `judge` when it begins to ask, and `update` when all is answered. */
  readonly say: (word: string) => void;
}

/** The judge of a recipe's settings, behind a server, watched. */
export async function watchedJudge(options: WatchedJudgeOptions): Promise<Judge<MicroTask>> {
  const { url, log, concurrency, say } = options;
  const judge = { baseURL: url, name: 'wilful', keyVariable: '', concurrency };
  const tasks = { path: '', checklists: '', questionPairs: 1 };
  const { judge: served } = await judgingOf({ judge, tasks }, {});
  const hasher = createRequestHasher();
  let open = 0;
  return {
    ...served,
    async answer(requests, call) {
      if (open === 0) say('judge');
      open += requests.length;
      for (const request of requests) appendFileSync(log, `${hasher.hash(request)}\n`);
      const replies = await served.answer(requests, call);
      open -= requests.length;
      if (open === 0) say('update');
      return replies;
    },
  };
}

/** Tells of a run `folder` when it has one, and `save` when an iteration is to be saved. */
export function wordOf({ type }: RunEvent): string | null {
  if (type === 'step') return 'save';
  return type === 'folder' ? type : null;
}
