import { ConfigError } from '@thinkrl/spec';

/**
 * Printable characters of byte-level BPE vocabularies (GPT-2, Qwen, Llama 3): bytes that Latin-1 prints stand for
 * themselves, the others for U+0100, U+0101, ... in order.
 */
const byteOf = new Map<string, number>();
for (let byte = 0, others = 0; byte < 256; byte++) {
  const printed = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  byteOf.set(String.fromCodePoint(printed ? byte : 0x100 + others++), byte);
}

/**
 * The bytes of a token as byte-level BPE vocabularies write it.
 *
 * @throws ConfigError for a character that stands for no byte.
 * @example
 * byteLevelBytes('Ġé'); // [0x20, 0xe9]: a space and one byte of a longer character
 */
export function byteLevelBytes(token: string): Uint8Array {
  return Uint8Array.from(token, (character) => {
    const byte = byteOf.get(character);
    if (byte === undefined)
      throw new ConfigError({
        field: 'token',
        value: token,
        fix: `"${character}" stands for no byte; give special tokens as null`,
      });
    return byte;
  });
}
