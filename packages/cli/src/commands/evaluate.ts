import { benchOf, benchOptions } from '../bench/options.ts';
import { runBench } from '../bench/run.ts';
import { isPlain, runMicroBench } from '../bench/run-micro.ts';
import type { Command, Invocation } from '../command.ts';
import { configOption, evaluationConfigOf, sourceOf, sourceOptions } from '../config.ts';
import { inPercent, scoreLines } from '../score-lines.ts';
import { watch } from '../watch.ts';

/** `thinkrl eval`: scores on the micro-world, KRIS-Bench or RISEBench. */
export const evaluate: Command = {
  name: 'eval',
  only: 'micro',
  summary:
    'score an editor: on fresh tasks of the micro-world with the exact judge, or on KRIS-Bench or RISEBench',
  options: { ...configOption, ...sourceOptions, ...benchOptions },
  takesSettings: true,
  positionals: [],
  run(invocation) {
    const bench = benchOf(invocation);
    if (bench !== 'micro') return runBench(invocation, bench);
    return isPlain(invocation) ? evaluateMicroEditor(invocation) : runMicroBench(invocation);
  },
};

async function evaluateMicroEditor(invocation: Invocation): Promise<number> {
  const { output, recipe } = invocation;
  const { onEvent } = watch(output);
  const quiet: typeof onEvent = (event) => (event.type === 'evaluation' ? undefined : onEvent(event));
  const result = await recipe.evaluateMicro(evaluationConfigOf(invocation), {
    ...sourceOf(invocation),
    onEvent: quiet,
  });
  output.record({ type: 'end', ...result });
  for (const split of ['id', 'ood'] as const) {
    const { tasks, scores, fixShare, perCategory } = result[split];
    output.say(`${split}: ${tasks} tasks, ${(100 * fixShare).toFixed(0)} % asked for a fix`);
    const rows = { all: scores, ...perCategory };
    const percent = Object.entries(rows).map(([name, row]) => [`  ${name}`, inPercent(row)] as const);
    for (const row of scoreLines(Object.fromEntries(percent))) output.say(row);
  }
  return 0;
}
