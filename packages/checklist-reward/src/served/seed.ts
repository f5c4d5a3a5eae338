import type { Key } from '@thinkrl/spec';

/** A seed that every server takes, 31 bits, for one part of a request. */
export function seedOf(key: Key, part: string): number {
  return key.fold(part).seed() % 2 ** 31;
}
