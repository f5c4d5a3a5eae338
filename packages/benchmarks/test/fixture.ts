import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.env.THINKRL_FIXTURES ?? fileURLToPath(new URL('./fixtures', import.meta.url));

/** The path of a file or folder of the benchmark fixtures. */
export function fixturePath(...parts: readonly string[]): string {
  return join(root, 'benchmarks', ...parts);
}

/** The value in a JSON file of the benchmark fixtures. */
export function readFixture<T>(...parts: readonly string[]): T {
  return JSON.parse(readFileSync(fixturePath(...parts), 'utf8')) as T;
}

/** Numbers anywhere in `value` are within 1e-9 of those in `expected`, and everything else is equal. */
export function deviations(value: unknown, expected: unknown, path = ''): readonly string[] {
  if (typeof expected === 'number' && typeof value === 'number')
    return Math.abs(value - expected) <= 1e-9 ? [] : [`${path}: ${value} where ${expected} was expected`];
  if (typeof expected !== 'object' || expected === null || typeof value !== 'object' || value === null)
    return Object.is(value, expected)
      ? []
      : [`${path}: ${JSON.stringify(value)} for ${JSON.stringify(expected)}`];
  const names = new Set([...Object.keys(expected), ...Object.keys(value)]);
  return [...names].flatMap((name) =>
    deviations((value as never)[name], (expected as never)[name], `${path}/${name}`),
  );
}
