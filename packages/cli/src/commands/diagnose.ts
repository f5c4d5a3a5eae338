import type { MicroDiagnosis } from '@thinkrl/recipes';
import type { Command } from '../command.ts';
import { configOf, configOption, sourceOf, sourceOptions, wholeNumber } from '../config.ts';
import { watch } from '../watch.ts';

/** `thinkrl diagnose`: where each grouping would push the starting policy. */
export const diagnose: Command = {
  name: 'diagnose',
  only: 'micro',
  summary: 'mean advantage of right, idle and wrong chains under each grouping, before any training',
  options: {
    ...configOption,
    ...sourceOptions,
    groups: { value: 'N', help: 'groups to sample (default 64)' },
  },
  takesSettings: true,
  positionals: [],
  async run(invocation) {
    const { output, recipe } = invocation;
    const groups = wholeNumber(invocation, 'groups', { least: 1, fallback: 64 });
    const { onEvent } = watch(output);
    const result = await recipe.diagnoseMicro(configOf(invocation), {
      ...sourceOf(invocation),
      groups,
      onEvent,
    });
    output.record({ type: 'end', ...result });
    for (const text of table(result)) output.say(text);
    return 0;
  },
};

/** One row per grouping, one column per class. */
function table({ groupings, counts, collapsing }: MicroDiagnosis): readonly string[] {
  const names = Object.keys(counts);
  const chains = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const width = Math.max('grouping'.length, ...groupings.map(({ grouping }) => grouping.length));
  const cells = (first: string, rest: readonly string[]) =>
    [first.padEnd(width), ...rest.map((text) => text.padStart(8))].join('  ');
  return [
    `${chains} chains: ${names.map((name) => `${name} ${percent(counts[name]! / chains)}`).join(', ')}`,
    'mean advantage by class, and the share of chains kept',
    cells('grouping', [...names, 'kept']),
    ...groupings.map(({ grouping, advantages, keptShare }) =>
      cells(grouping, [...names.map((name) => threeDigits(advantages[name])), percent(keptShare)]),
    ),
    collapsing.length === 0
      ? 'no grouping favours idle chains'
      : `idle chains gain at least as much as right ones, so a long run would collapse onto them, under: ${collapsing.join(', ')}`,
  ];
}

function threeDigits(value: number | undefined): string {
  return value === undefined ? 'none' : value.toFixed(3).replace(/^-(0\.000)$/, '$1');
}
