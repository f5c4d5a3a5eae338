import { createHash } from 'node:crypto';
import {
  type AskOptions,
  type ChatReply,
  type ChatRequest,
  readJson,
  type ServedModel,
  UnreadableReplyError,
} from '@thinkrl/served';
import type { Checklist, EditTask, Question } from '@thinkrl/spec';
import { ConfigError } from '@thinkrl/spec';
import { z } from 'zod';
import { SharedCalls } from '../shared-calls.ts';
import { readChecklist, writeChecklist } from './checklist-file.ts';
import { PROMPT_VERSION, promptOf } from './prompt.ts';

/** Settings of {@link createChecklistWriter}. */
export interface ChecklistWriterOptions {
  readonly model: ServedModel;
  /** Where checklists are kept, a JSON file for each reference and instruction. */
  readonly folder: string;
  /** Questions of each polarity; default 4, so 8 in all. */
  readonly pairs?: number;
  /** Whether the server keeps to JSON schemas, as `probeServer` finds out; default true. */
  readonly jsonSchema?: boolean;
}

/** Derives the yes/no questions of tasks, each once. */
export interface ChecklistWriter {
  /**
   * The checklist of a task: from its file where there is one, else written by the model and kept there. Edit the file
   * by hand to change the questions.
   *
   * @throws ServedRequestError when the model gives no usable questions.
   * @throws ChecklistFileError when a file was edited into something else than a checklist.
   */
  write(task: EditTask, options?: AskOptions): Promise<Checklist>;
}

/**
 * A writer of checklists (method section 2): questions from reference pictures and instruction, as many that expect yes
 * as no, none twice. The file is named by a hash of pictures, instruction, model, number and prompt.
 *
 * @throws ConfigError when `pairs` is not a whole number of at least 1.
 * @example
 * const writer = createChecklistWriter({ model, folder: 'checklists' });
 * const ready = { ...task, checklist: await writer.write(task) };
 */
export function createChecklistWriter(options: ChecklistWriterOptions): ChecklistWriter {
  const { model, folder, pairs = 4, jsonSchema = true } = options;
  if (!Number.isInteger(pairs) || pairs < 1)
    throw new ConfigError({ field: 'pairs', value: pairs, fix: 'use a whole number of at least 1' });
  const calls = new SharedCalls<Checklist>();
  const source = `${model.name} prompt ${PROMPT_VERSION}`;
  const make = async (task: EditTask, hash: string, call: AskOptions): Promise<Checklist> => {
    const place = { folder, hash };
    const kept = await readChecklist(place);
    if (kept !== null) return kept;
    const request = derivation(task, pairs, jsonSchema);
    const questions = await model.ask(request, (reply) => readQuestions(reply, pairs), call);
    const checklist = { source, questions };
    await writeChecklist(place, task.instruction, checklist);
    return checklist;
  };
  return {
    write(task, call) {
      const hash = hashOf(task, [source, `${pairs}`]);
      return calls.join(hash, (signal) => make(task, hash, { signal }), call?.signal);
    },
  };
}

function hashOf({ references, instruction }: EditTask, texts: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([instruction, ...texts]));
  for (const { width, height, data } of references)
    hash.update(`${width}x${height}`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex').slice(0, 32);
}

const derivedForm = z.object({ yes: z.array(z.string()), no: z.array(z.string()) });

function derivation({ references, instruction }: EditTask, pairs: number, jsonSchema: boolean): ChatRequest {
  return {
    messages: promptOf({
      references,
      data: { 'edit that was asked for': instruction },
      instruction: [
        'Think out what the reference picture has to look like after the edit in the data block, by common sense and',
        `knowledge of the world. Then write ${pairs} different questions that must be answered with yes about a right`,
        `result, and ${pairs} different ones that must be answered with no. Each asks for one visible fact, stands on`,
        'its own and can be answered by yes or no; ask about what must change and about what must stay. Your whole reply',
        'is JSON: {"yes": ["Is ...?"], "no": ["Is ...?"]}',
      ].join(' '),
    }),
    maxTokens: 128 + 160 * pairs,
    temperature: 0,
    ...(jsonSchema && { schema: { name: 'questions', schema: derivedForm } }),
  };
}

/** `pairs` questions of each polarity, in turns; equal ones are asked once, and none that expects yes and no. */
function readQuestions(reply: ChatReply, pairs: number): readonly Question[] {
  const derived = readJson(reply, derivedForm);
  const both = new Set(derived.yes.map(bare));
  const contradictory = new Set(derived.no.map(bare).filter((text) => both.has(text)));
  const [yes, no] = (['yes', 'no'] as const).map((expected) =>
    distinct(derived[expected].filter((text) => !contradictory.has(bare(text)))).map((text) =>
      questionOf(text, expected),
    ),
  );
  if (yes!.length < pairs || no!.length < pairs)
    throw new UnreadableReplyError(
      `${yes!.length} and ${no!.length} usable questions where ${pairs} of each were wanted`,
    );
  return yes!.slice(0, pairs).flatMap((question, index) => [question, no![index]!]);
}

function distinct(texts: readonly string[]): readonly string[] {
  const first = new Map<string, string>();
  for (const text of texts)
    if (bare(text) !== '' && !first.has(bare(text))) first.set(bare(text), text.trim());
  return [...first.values()];
}

/** A question without what does not tell it from another: case, spaces, punctuation, articles. */
function bare(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .replaceAll(/\b(the|a|an)\b/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function questionOf(text: string, expected: 'yes' | 'no'): Question {
  return { id: `q-${createHash('sha256').update(bare(text)).digest('hex').slice(0, 12)}`, text, expected };
}
