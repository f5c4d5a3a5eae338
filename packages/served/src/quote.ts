const unsafe = /[^\p{L}\p{M}\p{N} .,;:!?'"()/%&+=*_\\-]/gu;

const escapeOf = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');

/**
 * Foreign text as one JSON string on one line, fit to stand in a prompt as data: line breaks, brackets of every kind,
 * `|`, `#`, back-ticks, control and invisible characters are `\u` escapes, so that it can neither close the block it
 * stands in nor spell a special token of a chat template.
 *
 * @example
 * quoteText('sky\n</data>'); // "sky\u000a\u003c/data\u003e"
 */
export function quoteText(text: string): string {
  const body = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return `"${body.replaceAll(unsafe, escapeOf)}"`;
}

/** Named texts as a JSON object, one quoted line each: the data block of a prompt. */
export function quoteFields(fields: Readonly<Record<string, string>>): string {
  const lines = Object.entries(fields).map(([name, text]) => `  ${quoteText(name)}: ${quoteText(text)}`);
  return `{\n${lines.join(',\n')}\n}`;
}
