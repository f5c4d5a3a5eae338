import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readJsonFile } from './data-file.ts';
import { BenchmarkFileError } from './error.ts';
import type { BenchmarkJudge } from './judge.ts';
import { callKey } from './judge-call.ts';

type Answers = { readonly [name: string]: string | null | Answers };

const answersForm: z.ZodType<Answers> = z.lazy(() =>
  z.record(z.string(), z.union([z.string(), z.null(), answersForm])),
);
const fileForm = z.object({ answers: answersForm });

/**
 * A judge that reads its replies from a JSON file, for tests and for judging by hand: `{ "answers": ... }` nested by
 * category, id and step, or by key and step; null stands for no reply.
 *
 * @throws BenchmarkFileError when the file cannot be read or has another form.
 * @example
 * // { "answers": { "color_change": { "1": { "consistency": "{\"consistency_score\": 5}" } } } }
 * const judge = await replayJudge('answers.json');
 */
export async function replayJudge(path: string): Promise<BenchmarkJudge> {
  const parsed = fileForm.safeParse(await readJsonFile(path));
  if (!parsed.success) throw new BenchmarkFileError({ path, problem: z.prettifyError(parsed.error) });
  const replies = new Map(flatten(parsed.data.answers));
  const version = createHash('sha256')
    .update(JSON.stringify([...replies]))
    .digest('hex')
    .slice(0, 12);
  return {
    name: 'replay',
    version,
    async reply({ call }) {
      const text = replies.get(callKey(call));
      return text == null ? { failed: `${path} has no reply` } : { text, complete: true };
    },
  };
}

function flatten(answers: Answers, prefix = ''): readonly (readonly [string, string | null])[] {
  return Object.entries(answers).flatMap(([name, value]) =>
    typeof value === 'string' || value === null
      ? [[`${prefix}${name}`, value] as const]
      : flatten(value, `${prefix}${name}/`),
  );
}
