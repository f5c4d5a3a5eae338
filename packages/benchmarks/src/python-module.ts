const assignment = /^(?:([A-Za-z_]\w*)[ \t]*=[ \t]*)?(?=[rRuU]?["'])/gm;
const quotes = ['"""', "'''", '"', "'"];

/**
 * The text constants that a Python module assigns at its top level, `NAME = """..."""`, by name. Nothing is executed;
 * computed, joined and formatted texts are left out.
 *
 * @example
 * pythonStrings('prompt = """two\nlines"""').get('prompt'); // 'two\nlines'
 */
export function pythonStrings(source: string): ReadonlyMap<string, string> {
  const text = source.replaceAll('\r\n', '\n');
  const found = new Map<string, string>();
  assignment.lastIndex = 0;
  for (let match = assignment.exec(text); match !== null; match = assignment.exec(text)) {
    const literal = readLiteral(text, match.index + match[0].length);
    if (literal === null) {
      assignment.lastIndex = match.index + match[0].length + 1;
      continue;
    }
    if (match[1] !== undefined && literal.value !== null) found.set(match[1], literal.value);
    assignment.lastIndex = literal.end;
  }
  return found;
}

interface Literal {
  /** Null where an escape is not understood. */
  readonly value: string | null;
  readonly end: number;
}

function readLiteral(text: string, start: number): Literal | null {
  const raw = /[rR]/.test(text[start]!);
  const open = /[rRuU]/.test(text[start]!) ? start + 1 : start;
  const quote = quotes.find((candidate) => text.startsWith(candidate, open))!;
  const first = open + quote.length;
  for (let at = first; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '\n' && quote.length === 1) return null;
    else if (text.startsWith(quote, at)) {
      const body = text.slice(first, at);
      return { value: raw ? body : resolveEscapes(body), end: at + quote.length };
    }
  }
  return null;
}

const simple: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  n: '\n',
  r: '\r',
  t: '\t',
};

function resolveEscapes(body: string): string | null {
  let understood = true;
  const value = body.replaceAll(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfvN0-7])|([\s\S]))/g,
    (whole, ...[x, u, long, other, single]: (string | undefined)[]) => {
      const code = x ?? u ?? long;
      if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
      if (other !== undefined) understood = false;
      return simple[single ?? ''] ?? whole;
    },
  );
  return understood ? value : null;
}
