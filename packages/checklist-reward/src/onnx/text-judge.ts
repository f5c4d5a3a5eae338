import type { EditTask, Question } from '@thinkrl/spec';
import type { RewardDimension, ScoreRequest } from '../dimension.ts';
import type { Judge, JudgeRequest } from '../judge.ts';
import { atOnce, signalOf } from './at-once.ts';
import { replyOf } from './onnx-judge.ts';
import type { TextLine, TextReader } from './text-reader.ts';

/** Settings of {@link textJudge}. */
export interface TextJudgeOptions<Task extends EditTask = EditTask> {
  readonly reader: TextReader;
  /** The text that a question asks for; undefined where it asks for none. Default: what it has in double quotes. */
  readonly textOf?: (question: Question, task: Task) => string | undefined;
}

/**
 * A judge of text edits: `Does the sign read "OPEN" now?` is yes where some line reads exactly that. P(yes) weighs the
 * likelihood of the text against that of what is read in its place, or where the very text is read, against all that is
 * left, but at least 1/2.
 *
 * A question without a text, or with a letter that the recogniser does not know, leaves the picture unjudged.
 *
 * @example
 * const judge = textJudge({ reader: createTextReader(await loadOcr()) });
 */
export function textJudge<Task extends EditTask>(options: TextJudgeOptions<Task>): Judge<Task> {
  const { reader, textOf = quotedText } = options;
  return {
    name: 'ocr',
    version: reader.version,
    answer: atOnce(reader.workers, async ({ task, image, questions }: JudgeRequest<Task>, call) => {
      const lines = await reader.read(image, signalOf(call));
      return replyOf(questions, (question) => {
        const text = textOf(question, task);
        return text === undefined ? undefined : mostOf(lines.map((line) => chanceOf(text, line)));
      });
    }),
  };
}

/** The first text in double quotes, straight or curled. */
function quotedText({ text }: Question): string | undefined {
  return /["“]([^"“”]+)["”]/u.exec(text)?.[1];
}

function chanceOf(text: string, line: TextLine): number | undefined {
  const own = line.logLikelihood(text);
  if (own === undefined) return undefined;
  if (spaceless(line.text) === spaceless(text)) return Math.max(0.5 + Number.EPSILON, Math.exp(own));
  const rival = line.logLikelihood(line.text) ?? 0;
  return own === Number.NEGATIVE_INFINITY ? 0 : 1 / (1 + Math.exp(rival - own));
}

function spaceless(text: string): string {
  return text.replaceAll(' ', '');
}

function mostOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length < values.length ? undefined : Math.max(...known);
}

/** Settings of {@link textDimension}. */
export interface TextDimensionOptions<Task extends EditTask = EditTask> {
  readonly reader: TextReader;
  /** The text that must be in the edited picture. */
  readonly textOf: (task: Task) => string;
  /** Default `text`. */
  readonly name?: string;
}

/**
 * How well a picture shows the text that was asked for, graded: the likelihood per letter (its geometric mean) in the
 * line that fits best. A picture is unjudged where the recogniser does not know a letter.
 *
 * @example
 * const dimension = textDimension({ reader, textOf: (task) => wanted.get(task.id)! });
 */
export function textDimension<Task extends EditTask>(
  options: TextDimensionOptions<Task>,
): RewardDimension<Task> {
  const { reader, textOf, name = 'text' } = options;
  return {
    name,
    score: atOnce(reader.workers, async ({ task, image }: ScoreRequest<Task>, call) => {
      const text = textOf(task);
      const lines = await reader.read(image, signalOf(call));
      const best = mostOf(lines.map((line) => line.logLikelihood(text)));
      if (best === undefined) return { unjudged: `the recogniser does not know every letter of ${text}` };
      return { value: Math.min(1, Math.exp(best / [...text].length)) };
    }),
  };
}
