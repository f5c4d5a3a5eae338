/**
 * The outermost JSON objects that stand in a text, parsed. Braces inside strings do not count; what does not parse is
 * left out.
 *
 * @example
 * jsonObjects('first {"a": "}"} then {"b": 2}'); // [{ a: '}' }, { b: 2 }]
 */
export function jsonObjects(text: string): readonly Readonly<Record<string, unknown>>[] {
  const found: Readonly<Record<string, unknown>>[] = [];
  for (let start = text.indexOf('{'); start >= 0; ) {
    const end = closingBrace(text, start);
    const value = end === null ? null : parsed(text.slice(start, end + 1));
    if (value !== null) found.push(value);
    start = text.indexOf('{', value === null ? start + 1 : end! + 1);
  }
  return found;
}

function closingBrace(text: string, start: number): number | null {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character === '\\') at++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return at;
  }
  return null;
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
}
