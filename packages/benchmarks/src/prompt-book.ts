import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchmarkFileError, PromptError } from './error.ts';
import { pythonStrings } from './python-module.ts';

/** What a prompt is filled in with; null for one that is sent as it stands. */
export type PromptValues = Readonly<Record<string, string>> | null;

/** The prompts of a benchmark, by the names that its evaluator gives them. */
export interface PromptBook {
  readonly name: string;
  /** Whether they are, word for word, the prompts behind the published numbers. */
  readonly original: boolean;
  /** The prompt as it is sent. @throws PromptError for one that it lacks or cannot fill in. */
  render(prompt: string, values: PromptValues): string;
}

/** Where a benchmark's own prompts are found and known by. */
export interface PromptSource {
  /** Files of a checkout that may hold them, the likeliest first. */
  readonly files: readonly string[];
  /** SHA-256 of each prompt as it was when the published numbers were made. */
  readonly hashes: Readonly<Record<string, string>>;
}

/**
 * Loads a benchmark's own prompts from the user's checkout of it, by variable name. Nothing is executed.
 *
 * @param place The checkout, or the very Python file.
 * @throws BenchmarkFileError when no such file holds them.
 * @example
 * const prompts = await loadPromptBook('RISEBench', RISE_PROMPTS);
 */
export async function loadPromptBook(place: string, { files, hashes }: PromptSource): Promise<PromptBook> {
  const path = await promptFile(place, files);
  const strings = pythonStrings(await readFile(path, 'utf8'));
  const names = Object.keys(hashes);
  const missing = names.filter((name) => !strings.has(name));
  if (missing.length > 0)
    throw new BenchmarkFileError({ path, problem: `assigns no text to ${missing.join(', ')}` });
  const original = names.every((name) => sha256(strings.get(name)!) === hashes[name]);
  return {
    name: `${original ? 'original prompts' : 'changed prompts'} of ${path}`,
    original,
    render(prompt, values) {
      const template = strings.get(prompt);
      if (template === undefined) throw new PromptError(`${path} has no ${prompt}`);
      return values === null ? template : pythonFormat(template, values);
    },
  };
}

async function promptFile(place: string, files: readonly string[]): Promise<string> {
  const candidates = [place, ...files.map((file) => join(place, file))];
  for (const path of candidates) if ((await stat(path).catch(() => null))?.isFile() === true) return path;
  throw new BenchmarkFileError({ path: place, problem: `has none of ${files.join(', ')}` });
}

/** Python's `str.format` with named fields. @throws PromptError where it would raise. */
export function pythonFormat(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (whole, name: string | undefined) => {
    if (whole === '{{') return '{';
    if (whole === '}}') return '}';
    const value = name === undefined ? undefined : values[name];
    if (value === undefined) throw new PromptError(`the prompt cannot be filled in at ${whole}`);
    return value;
  });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
