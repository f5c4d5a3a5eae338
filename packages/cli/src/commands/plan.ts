import type { Advice, MemoryPlan } from '@thinkrl/recipes/qwen-image-edit';
import type { Command } from '../command.ts';
import { configOption, qwenConfigOf, wholeNumber } from '../config.ts';

const GIB = 2 ** 30;

/** `thinkrl plan [--config FILE]`: what a run on Qwen-Image-Edit will take of its GPU, and what to change when it does not fit. */
export const plan: Command = {
  name: 'plan',
  only: 'qwen-image-edit',
  summary: 'tell what memory a run on Qwen-Image-Edit takes, and what to change when it does not fit',
  options: {
    ...configOption,
    memory: { value: 'GIB', help: 'memory of the GPU (default 80)' },
    references: { value: 'N', help: 'reference pictures of a task (default 1)' },
  },
  takesSettings: true,
  positionals: [],
  async run(invocation) {
    const { output } = invocation;
    const qwen = invocation.qwen!;
    const config = qwenConfigOf(invocation, qwen);
    const memory = wholeNumber(invocation, 'memory', { least: 1, fallback: 80 }) * GIB;
    const task = { references: wholeNumber(invocation, 'references', { least: 1, fallback: 1 }) };
    const sizes = qwen.architectureOf(config);
    const found = qwen.memoryPlan(config, sizes, task);
    const advice = qwen.adviceFor(config, { sizes, task, memory });
    const fits = found.peak <= memory;
    output.record({ type: 'end', ...found, sizes: sizes.read ? 'model' : 'released', memory, fits, advice });
    if (!sizes.read) output.say(`no model at ${JSON.stringify(config.model)}: the released sizes are used`);
    for (const line of [...describe(found), ...verdict(found.peak, memory, advice)]) output.say(line);
    return fits ? 0 : 1;
  },
};

function describe({ resident, phases, peak }: MemoryPlan): readonly string[] {
  const rows = (bytes: Readonly<Record<string, number>>) =>
    Object.entries(bytes)
      .filter(([, value]) => value > 0)
      .map(([name, value]) => `  ${name.padEnd(36)}${gib(value)}`);
  return [
    'all the time',
    ...rows(resident),
    ...Object.entries(phases).flatMap(([name, bytes]) => {
      const lines = rows(bytes);
      return lines.length === 0 ? [] : [`${name}, besides`, ...lines];
    }),
    `${'peak'.padEnd(38)}${gib(peak)}`,
  ];
}

function verdict(peak: number, memory: number, advice: readonly Advice[]): readonly string[] {
  if (peak <= memory) return [`fits into ${gib(memory).trim()}`];
  const last = advice.at(-1)?.peak ?? peak;
  return [
    `does not fit into ${gib(memory).trim()}; in this order, change`,
    ...advice.map((one) => `  ${one.change.padEnd(52)}then ${gib(one.peak).trim()}`),
    ...(last > memory ? ['and even so it does not fit: take a larger GPU or a smaller model'] : []),
  ];
}

function gib(bytes: number): string {
  const [value, unit] = bytes >= GIB / 100 ? [bytes / GIB, 'GiB'] : [bytes / 2 ** 20, 'MiB'];
  return `${value.toFixed(2).padStart(8)} ${unit}`;
}
