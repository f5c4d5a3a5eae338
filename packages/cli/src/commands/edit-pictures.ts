import { resolve } from 'node:path';
import type { EditedPicture } from '@thinkrl/recipes/qwen-image-edit';
import { checklistLines } from '../checklist-lines.ts';
import type { Command } from '../command.ts';
import { configOption, qwenConfigOf } from '../config.ts';
import { UsageError } from '../error.ts';
import { watch } from '../watch.ts';

/** What a single edit is made with unless told otherwise: the pipeline's own size and steps; nothing is trained. */
const UNDER = { editing: { side: 1024, steps: 40 } };
const OVER = { iterations: 0, editing: { window: 1 } };

/** `thinkrl edit --model DIR`: edits pictures by Qwen-Image-Edit and writes down every thought. */
export const editPictures: Command = {
  name: 'edit',
  only: 'qwen-image-edit',
  summary: 'edit pictures by Qwen-Image-Edit (--model DIR): writes edit, plan, reflection and checklist',
  options: {
    ...configOption,
    image: { value: 'FILES', help: 'the picture to edit, or several with commas between' },
    instruction: { value: 'TEXT', help: 'what to make of it' },
    adapter: { value: 'DIR', help: "a run's adapters, or an adapter of the transformer in PEFT's layout" },
    out: { value: 'DIR', help: 'folder for pictures and thoughts.json (default edited)' },
  },
  takesSettings: true,
  positionals: [],
  async run(invocation) {
    const { line, output, qwen } = invocation;
    const { image, instruction, adapter, out = 'edited' } = line.values;
    if (image === undefined) throw new UsageError('name the picture: --image in.png');
    if (instruction === undefined) throw new UsageError('say what to make of it: --instruction "..."');
    const config = qwenConfigOf(invocation, qwen!, { under: UNDER, over: OVER });
    const edited = await qwen!.editPicture(config, {
      ...{ images: image.split(','), instruction, adapter, out },
      onEvent: watch(output).onEvent,
    });
    output.record({ type: 'end', ...edited });
    for (const text of describe(edited)) output.say(text);
    return 0;
  },
};

function describe({ instruction, plan, reflections, checklist, edit, pictures }: EditedPicture) {
  return [
    `instruction  ${instruction}`,
    `plan         ${plan?.text ?? 'none'}`,
    ...reflections.map(({ verdict, text }) => `reflection   ${verdict === 'ok' ? 'ok' : `fix: ${text}`}`),
    ...(checklist === null
      ? ['checklist    none: name a judge by --judge.baseURL and --judge.name']
      : checklistLines(checklist)),
    `pictures     ${pictures.length}, beside ${resolve(edit)}`,
  ];
}
