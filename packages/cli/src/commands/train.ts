import { resolve } from 'node:path';
import type { RunControls, TrainResult } from '@thinkrl/recipes';
import type { Command, Invocation } from '../command.ts';
import { configOf, configOption, newRunFolder, refuseOtherRun } from '../config.ts';
import { UsageError } from '../error.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { scoreLines } from '../score-lines.ts';
import { watch } from '../watch.ts';

/** `thinkrl train`: trains, evaluates before and after, and writes a report. Ctrl-C saves and says how to resume. */
export const train: Command = {
  name: 'train',
  summary: 'train the reasoning editor, with evaluation before and after and a report',
  options: {
    ...configOption,
    out: { value: 'DIR', help: 'run folder to make (default runs/micro-MODE-seedSEED)' },
    weights: { value: 'FILE', help: 'a safetensors file of both models instead of the shipped weights' },
    resume: { value: 'DIR', help: 'go on with the run in this folder, with its own settings' },
  },
  takesSettings: true,
  positionals: [],
  run: (invocation) =>
    watched(invocation, (controls) => {
      const { line, recipe } = invocation;
      const { resume: folder, out, weights } = line.values;
      if (folder !== undefined) {
        refuseOtherRun(invocation);
        return recipe.resumeMicro(folder, controls);
      }
      const config = configOf(invocation);
      const places = { out: out ?? newRunFolder(config), ...(weights !== undefined && { weights }) };
      return recipe.trainMicro(config, { ...places, ...controls });
    }),
};

/** `thinkrl resume RUN`: goes on with a run that was stopped or killed, as `thinkrl train --resume RUN` does. */
export const resume: Command = {
  name: 'resume',
  summary: 'go on with a run that was stopped or killed, with its own settings',
  options: {},
  takesSettings: false,
  positionals: ['RUN'],
  run: (invocation) =>
    watched(invocation, (controls) => {
      const [folder] = invocation.line.positionals;
      if (folder === undefined) throw new UsageError('name the run folder: thinkrl resume RUN');
      return invocation.recipe.resumeMicro(folder, controls);
    }),
};

/** Shows a run while it goes and its result, and turns Ctrl-C into a request to stop. */
async function watched(
  invocation: Invocation,
  start: (controls: RunControls) => Promise<TrainResult>,
): Promise<number> {
  const { onEvent, aside, finish } = watch(invocation.output);
  const interrupt = listenForInterrupt(() =>
    aside('stopping after this iteration; Ctrl-C again leaves at once, without saving'),
  );
  try {
    const result = await start({ signal: interrupt.signal, onEvent });
    finish();
    return tell(invocation, result);
  } finally {
    interrupt.release();
  }
}

function tell({ output }: Invocation, { folder, summary, report }: TrainResult): number {
  output.record({ type: 'end', folder: resolve(folder), stopped: summary === null, summary, report });
  if (summary === null) {
    output.say(`stopped; everything is saved in ${folder}`);
    output.say(`go on with: thinkrl resume ${folder}`);
    return 130;
  }
  for (const row of scoreLines({
    'before, in domain': summary.before.id,
    'after, in domain': summary.after.id,
    'before, out of domain': summary.before.ood,
    'after, out of domain': summary.after.ood,
  }))
    output.say(row);
  output.say(
    `${summary.seconds.train.toFixed(0)} s training, ${summary.chainsPerSecond} chains/s on ${summary.engine}`,
  );
  output.say(`run: ${resolve(folder)}`);
  if (report !== null) output.say(`report: ${resolve(report)}`);
  return 0;
}
