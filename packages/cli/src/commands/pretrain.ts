import type { Command } from '../command.ts';
import { wholeNumber } from '../config.ts';
import { UsageError } from '../error.ts';
import { watch } from '../watch.ts';

/** `thinkrl pretrain micro|perception`: makes the weights that training starts from, or the net of the learned judge. */
export const pretrain: Command = {
  name: 'pretrain',
  only: 'micro',
  summary: 'make the weights of the built-in editor, or of the learned judge, again from a seed',
  options: {
    seed: { value: 'N', help: 'seed of corpus and weights (default 7, that of the shipped weights)' },
    out: {
      value: 'DIR',
      help: 'folder for the weights (default runs/pretrain-micro, runs/pretrain-perception)',
    },
  },
  takesSettings: false,
  positionals: ['micro|perception'],
  async run(invocation) {
    const { line, output, recipe } = invocation;
    const [name = 'micro'] = line.positionals;
    const makers = { micro: recipe.pretrainMicro, perception: recipe.pretrainPerceptionNet };
    if (name !== 'micro' && name !== 'perception')
      throw new UsageError(
        `there is no "${name}" to pre-train; write thinkrl pretrain micro or thinkrl pretrain perception`,
      );
    const events = watch(output);
    const result = await makers[name]({
      seed: wholeNumber(invocation, 'seed', { least: 0, fallback: 7 }),
      out: line.values.out ?? `runs/pretrain-${name}`,
      onEvent: events.onEvent,
    });
    events.finish();
    output.record({ type: 'end', ...result });
    output.say(`weights: ${result.weights}`);
    return 0;
  },
};
