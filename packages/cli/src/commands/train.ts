import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { MicroSummary, RunControls, TrainResult } from '@thinkrl/recipes';
import type { QwenEditSummary, TrainQwenEditResult } from '@thinkrl/recipes/qwen-image-edit';
import type { Command, Invocation } from '../command.ts';
import { configOf, configOption, newRunFolder, qwenConfigOf, refuseOtherRun } from '../config.ts';
import { UsageError } from '../error.ts';
import { listenForInterrupt } from '../interrupt.ts';
import type { QwenRecipe } from '../recipe.ts';
import { inPercent, scoreLines } from '../score-lines.ts';
import { watch } from '../watch.ts';

/** `thinkrl train`: trains, evaluates before and after, and writes a report. Ctrl-C saves and says how to resume. */
export const train: Command = {
  name: 'train',
  summary: 'train the reasoning editor: the built-in one, or Qwen-Image-Edit by --config FILE',
  options: {
    ...configOption,
    out: { value: 'DIR', help: 'run folder to make (default runs/RECIPE-MODE-seedSEED)' },
    weights: { value: 'FILE', help: 'a safetensors file of both models instead of the shipped weights' },
    resume: { value: 'DIR', help: 'go on with the run in this folder, with its own settings' },
  },
  takesSettings: true,
  positionals: [],
  run: (invocation) =>
    watched(invocation, (controls) => {
      const { line, recipe, qwen } = invocation;
      const { resume: folder, out, weights } = line.values;
      if (folder !== undefined) {
        refuseOtherRun(invocation);
        return goOn(invocation, folder, controls);
      }
      if (qwen !== null) return trainQwen(invocation, qwen, controls);
      const config = configOf(invocation);
      const places = { out: out ?? newRunFolder('micro', config), ...(weights !== undefined && { weights }) };
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
      return goOn(invocation, folder, controls);
    }),
};

/** Goes on with a run by the recipe that it was set up with. */
function goOn(
  { recipe, qwen }: Invocation,
  folder: string,
  controls: RunControls,
): Promise<TrainResult | TrainQwenEditResult> {
  return qwen === null ? recipe.resumeMicro(folder, controls) : qwen.resumeQwenEdit(folder, controls);
}

function trainQwen(
  invocation: Invocation,
  qwen: QwenRecipe,
  controls: RunControls,
): Promise<TrainQwenEditResult> {
  const { out, weights } = invocation.line.values;
  if (weights !== undefined)
    throw new UsageError('--weights is for the micro models: name the folder of Qwen-Image-Edit by --model');
  const config = qwenConfigOf(invocation, qwen);
  return qwen.trainQwenEdit(config, { out: out ?? newRunFolder('qwen-image-edit', config), ...controls });
}

/** Shows a run while it goes and its result, and turns Ctrl-C into a request to stop. */
async function watched(
  invocation: Invocation,
  start: (controls: RunControls) => Promise<TrainResult | TrainQwenEditResult>,
): Promise<number> {
  const { onEvent, aside, finish } = watch(invocation.output);
  const interrupt = listenForInterrupt(() =>
    aside('stopping as soon as it is saved; Ctrl-C again leaves at once, without saving'),
  );
  try {
    const result = await start({ signal: interrupt.signal, onEvent });
    finish();
    return tell(invocation, result);
  } catch (error) {
    if (!interrupt.signal.aborted || (error as Error).name !== 'AbortError') throw error;
    finish();
    invocation.output.say('stopped before the run began or went on');
    return 130;
  } finally {
    interrupt.release();
  }
}

function tell(
  { output }: Invocation,
  { folder, summary, report, ...rest }: TrainResult | TrainQwenEditResult,
): number {
  output.record({ type: 'end', folder: resolve(folder), stopped: summary === null, summary, report });
  if ('adapters' in rest && existsSync(rest.adapters)) output.say(`adapters: ${resolve(rest.adapters)}`);
  if (summary === null) {
    output.say(`stopped; what was finished is saved in ${folder}`);
    output.say(`go on with: thinkrl resume ${folder}`);
    return 130;
  }
  const rows = scoreLines(rowsOf(summary));
  for (const row of rows) output.say(row);
  if (rows.length === 0) output.say('no scores: no task was evaluated, since evaluation.tasks is 0');
  output.say(
    `${summary.seconds.train.toFixed(0)} s training, ${summary.chainsPerSecond} chains/s on ${summary.engine}`,
  );
  output.say(`run: ${resolve(folder)}`);
  if (report !== null) output.say(`report: ${resolve(report)}`);
  return 0;
}

/** Scores in percent by row. */
function rowsOf(summary: MicroSummary | QwenEditSummary): Parameters<typeof scoreLines>[0] {
  if (summary.recipe === 'qwen-image-edit')
    return {
      'rewards at first': inPercent(summary.rewards.first),
      'rewards at last': inPercent(summary.rewards.last),
    };
  const { before, after } = summary;
  return {
    ...(before.id && { 'before, in domain': before.id }),
    ...(after.id && { 'after, in domain': after.id }),
    ...(before.ood && { 'before, out of domain': before.ood }),
    ...(after.ood && { 'after, out of domain': after.ood }),
  };
}
