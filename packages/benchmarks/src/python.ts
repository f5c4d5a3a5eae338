/** What Python's `\s` and `str.strip` take for a space, as the inside of a character class. JavaScript's `\s` differs. */
export const PYTHON_SPACE =
  '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const outerSpace = new RegExp(`^[${PYTHON_SPACE}]+|[${PYTHON_SPACE}]+$`, 'gu');

/** `str.strip()`. */
export function pythonStrip(text: string): string {
  return text.replaceAll(outerSpace, '');
}

/**
 * `int(value)` of a value from JSON, or null where it raises. Numbers are cut off, booleans are 0 and 1, texts may have
 * spaces around, a sign, underscores and the digits of any script.
 *
 * @example
 * [pythonInt('5'), pythonInt(4.7), pythonInt(true), pythonInt('4.7')]; // [5, 4, 1, null]
 */
export function pythonInt(value: unknown): number | null {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) + 0 : null;
  if (typeof value !== 'string') return null;
  const [, sign, digits] = /^([+-]?)(\p{Nd}+(?:_\p{Nd}+)*)$/u.exec(pythonStrip(value)) ?? [];
  if (digits === undefined) return null;
  const size = Number(Array.from(digits.replaceAll('_', ''), digitValue).join(''));
  return sign === '-' ? 0 - size : size;
}

/** A decimal digit of any script: those of one script are ten code points in a row. */
function digitValue(digit: string): number {
  const code = digit.codePointAt(0)!;
  let first = code;
  while (/^\p{Nd}$/u.test(String.fromCodePoint(first - 1))) first--;
  return (code - first) % 10;
}
