import type { Invocation } from '../command.ts';
import { createProgressBar, type ProgressBar } from '../progress.ts';

interface Stage {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

/** A progress bar that begins anew with each stage. */
export function stageBar({ output }: Invocation) {
  let bar: ProgressBar | null = null;
  let current = '';
  return {
    update({ stage, done, total }: Stage): void {
      output.record({ type: 'progress', stage, done, total });
      if (stage !== current) {
        bar?.finish();
        bar = createProgressBar(output, {
          label: stage,
          from: done - 1,
          quiet: 5,
          now: () => performance.now(),
        });
        current = stage;
      }
      bar?.update({ done, total, figures: [] });
    },
    finish: () => bar?.finish(),
  };
}
