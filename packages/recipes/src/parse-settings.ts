import { ConfigError } from '@thinkrl/spec';
import { closest } from 'fastest-levenshtein';
import type { z } from 'zod';

/**
 * Lays `overrides` over the defaults, at any depth, and checks the result.
 *
 * @throws ConfigError that names the first wrong field, its value and the fix; an unknown field names the nearest one.
 */
export function parseSettings<T>(schema: z.ZodType<T>, defaults: T, overrides: unknown): T {
  const parsed = schema.safeParse(overlay(defaults, overrides));
  if (parsed.success) return parsed.data;
  throw problemOf(parsed.error.issues[0]!, { config: overrides, defaults });
}

interface Given {
  readonly config: unknown;
  readonly defaults: unknown;
}

function overlay(base: unknown, over: unknown): unknown {
  if (!isRecord(base) || !isRecord(over)) return over === undefined ? base : over;
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) merged[name] = overlay(base[name], value);
  return merged;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function problemOf(issue: z.core.$ZodIssue, { config, defaults }: Given): ConfigError {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const name = issue.keys[0]!;
    const known = at(defaults, path);
    const nearest = closest(name, Object.keys(isRecord(known) ? known : {}));
    const field = [...path, name].join('.');
    return new ConfigError({
      field,
      value: at(config, [...path, name]),
      fix: `no such setting; did you mean ${nearest}?`,
    });
  }
  const field = path.join('.') || 'config';
  return new ConfigError({ field, value: at(config, path), fix: issue.message });
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) => (isRecord(inner) || Array.isArray(inner) ? (inner as never)[name] : undefined),
    value,
  );
}
