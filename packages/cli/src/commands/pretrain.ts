import type { Command } from '../command.ts';
import { wholeNumber } from '../config.ts';
import { UsageError } from '../error.ts';
import { watch } from '../watch.ts';

/** `thinkrl pretrain micro`: makes the weights that training starts from. */
export const pretrain: Command = {
  name: 'pretrain',
  summary: 'make the starting weights of the built-in editor again, from a seed',
  options: {
    seed: { value: 'N', help: 'seed of corpus and weights (default 7, that of the shipped weights)' },
    out: { value: 'DIR', help: 'folder for the weights (default runs/pretrain-micro)' },
  },
  takesSettings: false,
  positionals: ['micro'],
  async run(invocation) {
    const { line, output, recipe } = invocation;
    const [name = 'micro'] = line.positionals;
    if (name !== 'micro')
      throw new UsageError(`there is no "${name}" to pre-train; write thinkrl pretrain micro`);
    const events = watch(output);
    const result = await recipe.pretrainMicro({
      seed: wholeNumber(invocation, 'seed', { least: 0, fallback: 7 }),
      out: line.values.out ?? 'runs/pretrain-micro',
      onEvent: events.onEvent,
    });
    events.finish();
    output.record({ type: 'end', ...result });
    output.say(`weights: ${result.weights}`);
    return 0;
  },
};
