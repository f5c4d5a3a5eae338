import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { EditedScene } from '@thinkrl/recipes';
import { ConfigError } from '@thinkrl/spec';
import { checklistLines } from '../checklist-lines.ts';
import type { Command, Invocation } from '../command.ts';
import { configOf, configOption, sourceOf, sourceOptions, wholeNumber } from '../config.ts';
import { UsageError } from '../error.ts';
import { watch } from '../watch.ts';

/** `thinkrl edit`: edits micro scenes, shows every thought and writes a contact sheet. */
export const edit: Command = {
  name: 'edit',
  only: 'micro',
  summary: 'edit scenes: prints plan, checklist and reflection, writes a contact sheet',
  options: {
    ...configOption,
    ...sourceOptions,
    split: { value: 'NAME', help: 'id or ood (default id)' },
    scene: { value: 'N', help: 'number of the first scene, from 1 (default 1)' },
    count: { value: 'N', help: 'how many scenes (default 1)' },
    out: { value: 'FILE', help: 'the contact sheet, a PNG (default edit.png)' },
  },
  takesSettings: true,
  positionals: [],
  async run(invocation) {
    const { line, output, recipe } = invocation;
    const { out = 'edit.png' } = line.values;
    const result = await recipe.editMicro(configOf(invocation), {
      ...sourceOf(invocation),
      split: splitOf(invocation),
      from: wholeNumber(invocation, 'scene', { least: 1, fallback: 1 }) - 1,
      count: wholeNumber(invocation, 'count', { least: 1, fallback: 1 }),
      onEvent: watch(output).onEvent,
    });
    writeSheet(out, result.sheet);
    const scenes = result.scenes.map(thoughtsOf);
    output.record({ type: 'end', scenes, sheet: resolve(out) });
    for (const scene of scenes) for (const text of describe(scene)) output.say(text);
    output.say(`contact sheet (reference, first edit, final edit, truth): ${resolve(out)}`);
    return 0;
  },
};

function splitOf({ line }: Invocation): 'id' | 'ood' {
  const { split = 'id' } = line.values;
  if (split === 'id' || split === 'ood') return split;
  throw new UsageError(`--split is ${JSON.stringify(split)}: use id or ood`);
}

/** Writes the sheet whole or not at all, making its folder but not that folder's parents. */
function writeSheet(path: string, bytes: Uint8Array): void {
  const aside = `${path}.writing`;
  try {
    if (!existsSync(dirname(path))) mkdirSync(dirname(path));
    writeFileSync(aside, bytes);
    renameSync(aside, path);
  } catch (cause) {
    if (existsSync(aside)) rmSync(aside, { force: true });
    const fix = `cannot be written (${(cause as NodeJS.ErrnoException).code}); name a file in a folder you may write to`;
    throw new ConfigError({ field: '--out', value: path, fix }, { cause });
  }
}

/** What was thought about a scene, in words. */
function thoughtsOf({ task, judged }: EditedScene) {
  const { chain, stages } = judged;
  const replies = (id: string) =>
    stages.map(({ answers }) => answers.find(({ questionId }) => questionId === id)?.reply ?? null);
  return {
    instruction: task.instruction,
    category: task.category,
    plan: chain.plan?.text ?? null,
    reflections: chain.rounds.map(({ reflection: { verdict, text } }) => ({ verdict, text })),
    checklist: (task.checklist?.questions ?? []).map(({ id, text, expected }) => ({
      question: text,
      expected,
      replies: replies(id),
    })),
    agreeing: stages.map(
      ({ answers }) => `${answers.filter((answer) => answer.agrees).length}/${answers.length}`,
    ),
    rewards: stages.map((stage) => stage.rewards),
  };
}

function describe({
  instruction,
  category,
  plan,
  reflections,
  checklist,
  agreeing,
}: ReturnType<typeof thoughtsOf>) {
  return [
    `instruction  ${instruction}  (${category})`,
    `plan         ${plan ?? 'none'}`,
    ...reflections.map(({ text }) => `reflection   ${text}`),
    `checklist    ${agreeing.join(', then ')} as expected, the judge's own questions included`,
    ...checklistLines(checklist),
  ];
}
