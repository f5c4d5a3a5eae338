import type { Command } from '../command.ts';
import { configOf, configOption, sourceOf, sourceOptions } from '../config.ts';
import { inPercent, scoreLines } from '../score-lines.ts';
import { watch } from '../watch.ts';

/** `thinkrl eval`: exact scores on fresh tasks. */
export const evaluate: Command = {
  name: 'eval',
  summary: 'score the editor on fresh tasks with the exact judge',
  options: { ...configOption, ...sourceOptions },
  takesSettings: true,
  positionals: [],
  async run(invocation) {
    const { output, recipe } = invocation;
    const { onEvent } = watch(output);
    const quiet: typeof onEvent = (event) => (event.type === 'evaluation' ? undefined : onEvent(event));
    const result = await recipe.evaluateMicro(configOf(invocation), {
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
  },
};
