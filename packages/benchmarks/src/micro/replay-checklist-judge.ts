import { answerTo, type Judge } from '@thinkrl/checklist-reward';
import { z } from 'zod';
import { readJsonFile } from '../data-file.ts';
import { BenchmarkFileError } from '../error.ts';

const fileForm = z.object({
  answers: z.record(z.string(), z.record(z.string(), z.enum(['yes', 'no']))),
});

/**
 * A judge of checklists that reads its answers from a JSON file, `{ "answers": { task: { question: "yes" } } }`, by the
 * ids of both. A task with a question that the file does not answer is unjudged.
 *
 * @throws BenchmarkFileError when the file cannot be read or has another form.
 */
export async function replayChecklistJudge(path: string): Promise<Judge> {
  const parsed = fileForm.safeParse(await readJsonFile(path));
  if (!parsed.success) throw new BenchmarkFileError({ path, problem: z.prettifyError(parsed.error) });
  const { answers } = parsed.data;
  return {
    name: 'replay',
    version: path,
    answer: async (requests) =>
      requests.map(({ task, questions }) => {
        const given = questions.map((question) => ({ question, reply: answers[task.id]?.[question.id] }));
        const missing = given.find(({ reply }) => reply === undefined);
        if (missing !== undefined) return { unjudged: `${path} does not answer ${missing.question.id}` };
        return { answers: given.map(({ question, reply }) => answerTo(question, reply!)) };
      }),
  };
}
