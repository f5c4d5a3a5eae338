import type { BenchmarkEditor } from '@thinkrl/benchmarks';

/** The editor that a word of `--editor` names: `identity`, or a program with its arguments. */
export async function editorOf(what: string): Promise<BenchmarkEditor> {
  const { commandEditor, identityEditor } = await import('@thinkrl/benchmarks');
  return what === 'identity' ? identityEditor() : commandEditor(wordsOf(what));
}

/**
 * A program and its arguments, parted at spaces outside quotation marks. There is no shell.
 *
 * @example
 * wordsOf('python "my editor.py" --steps 28'); // ['python', 'my editor.py', '--steps', '28']
 */
function wordsOf(text: string): readonly string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|\S+/g)].map(
    ([word, double, single]) => double ?? single ?? word,
  );
}
