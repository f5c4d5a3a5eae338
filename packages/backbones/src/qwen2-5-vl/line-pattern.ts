import { type ByteRange, choice, oneByte, type Pattern, repeat, sequence } from '@thinkrl/cot-sampler';

const later: ByteRange = [0x80, 0xbf];

/** Characters of as many bytes as there are ranges after the first byte's, and it. */
function bytes(first: ByteRange, second: ByteRange = later, more = 0): Pattern {
  return sequence(oneByte(first), oneByte(second), ...Array.from({ length: more }, () => oneByte(later)));
}

const three = (first: ByteRange, second?: ByteRange) => bytes(first, second, 1);
const four = (first: ByteRange, second?: ByteRange) => bytes(first, second, 2);
const fourBytes = [four([0xf0, 0xf0], [0x90, 0xbf]), four([0xf1, 0xf3]), four([0xf4, 0xf4], [0x80, 0x8f])];

/** Well-formed UTF-8 from U+0020 on. */
const character = choice(
  oneByte([0x20, 0x7e]),
  bytes([0xc2, 0xdf]),
  ...[three([0xe0, 0xe0], [0xa0, 0xbf]), three([0xe1, 0xec]), three([0xed, 0xed], [0x80, 0x9f])],
  three([0xee, 0xef]),
  ...fourBytes,
);

/** Characters of blocks that hold no space: all but Latin-1 signs, Ogham, general and CJK punctuation, and symbols. */
const visible = choice(
  oneByte([0x21, 0x7e]),
  bytes([0xc3, 0xdf]),
  ...[
    three([0xe0, 0xe0], [0xa0, 0xbf]),
    three([0xe1, 0xe1], [0x80, 0x99]),
    three([0xe1, 0xe1], [0x9b, 0xbf]),
  ],
  ...[three([0xe3, 0xe3], [0x81, 0xbf]), three([0xe4, 0xec]), three([0xed, 0xed], [0x80, 0x9f])],
  three([0xef, 0xef], [0xbc, 0xbf]),
  ...fourBytes,
);

/** A line of text that does not begin with a space. */
export const LINE: Pattern = sequence(visible, repeat(character));
