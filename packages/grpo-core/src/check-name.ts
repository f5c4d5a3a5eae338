import { ConfigError } from '@thinkrl/spec';

/**
 * Refuses an option that is none of the names it may have.
 *
 * @throws ConfigError naming the field.
 */
export function checkName(field: string, value: string, names: readonly string[]): void {
  if (!names.includes(value)) throw new ConfigError({ field, value, fix: `use one of ${names.join(', ')}` });
}
