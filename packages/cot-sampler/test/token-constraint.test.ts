import {
  byteLevelBytes,
  choice,
  createTokenConstraint,
  type JsonSchema,
  jsonPattern,
  literal,
  oneByte,
  type Pattern,
  repeat,
  sampleToken,
  sequence,
  type TokenGrammar,
  TokenVocabulary,
} from '@thinkrl/cot-sampler';
import { ConfigError, Key } from '@thinkrl/spec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finiteSchemas, isValid, schemas, textsOf } from './json-schemas.ts';

/** All bytes, pieces that span JSON's parts, halves of characters, a twin, one that is no text, and the end. */
const PIECES = [
  '{"',
  '":',
  '": ',
  '",',
  '", "',
  '"}',
  '[[',
  ']]',
  '},',
  'tru',
  'true',
  'e,',
  'null',
  '-1',
  '00',
  '.5',
  'e+',
];
const WORDS = ['verdict', 'ab', 'a', ' fix', '\\u00', '\\"', 'é', '🙂', '🙂"', '"', '"a"', '":"'];
const encode = (text: string) => new TextEncoder().encode(text);
const TOKENS: readonly (Uint8Array | null)[] = [
  null,
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...[...PIECES, ...WORDS].map(encode),
  encode('🙂').subarray(0, 2),
  encode('🙂').subarray(2),
  encode('true'),
  new Uint8Array(0),
];
const END = 0;
const vocabulary = new TokenVocabulary(TOKENS, END);

/** Draws a text from random logits that prefer some tokens strongly; tokens without the end. */
function draw(grammar: TokenGrammar, seed: number, most: number): readonly number[] {
  const stream = Key.of(seed).stream();
  const said: number[] = [];
  while (said.at(-1) !== END) {
    expect(said.length).toBeLessThan(most);
    const logits = Float32Array.from(TOKENS, () => 4 * stream.normal());
    said.push(sampleToken(logits, { temperature: 1, allowed: grammar.allowed(said) }, stream).token);
  }
  return said.slice(0, -1);
}

function bytesOf(said: readonly number[]): Buffer {
  return Buffer.concat(said.map((id) => TOKENS[id]!));
}

/** Strict UTF-8: refuses what is none. */
function textOf(said: readonly number[]): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytesOf(said));
}

/** Tokens that some text, in the tokens left, goes on with after `said`: by trying every token on every text. */
function bruteForce(
  texts: readonly Buffer[],
  said: readonly number[],
  mostTokens: number,
): readonly number[] {
  const before = bytesOf(said);
  const left = mostTokens - said.length - 1;
  return [...TOKENS.keys()].filter((id) => {
    if (id === END) return left >= 0 && texts.some((text) => text.equals(before));
    const token = TOKENS[id];
    if (token == null || token.length === 0) return false;
    const after = Buffer.concat([before, token]);
    return texts.some(
      (text) => text.subarray(0, after.length).equals(after) && text.length - after.length + 1 <= left,
    );
  });
}

const sorted = (ids: readonly number[]) => [...ids].sort((a, b) => a - b);

describe('a JSON constraint', () => {
  it('makes every text valid against its schema and end in time, whatever the logits', () => {
    fc.assert(
      fc.property(schemas, fc.nat(), fc.nat(40), (schema, seed, more) => {
        const pattern = jsonPattern(schema);
        const mostTokens = fewest(pattern) + more;
        const grammar = createTokenConstraint({ pattern, vocabulary, mostTokens, keptIds: 500 });
        const text = textOf(draw(grammar, seed, mostTokens));
        expect(isValid(JSON.parse(text), schema), text).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('allows exactly the tokens that brute force over vocabulary and texts finds', () => {
    fc.assert(
      fc.property(finiteSchemas, fc.nat(), fc.nat(30), (schema, seed, more) => {
        const texts = textsOf(schema).map((text) => Buffer.from(text));
        fc.pre(texts.length <= 200);
        const mostTokens = Math.min(...texts.map((text) => text.length)) + 1 + more;
        const grammar = createTokenConstraint({ pattern: jsonPattern(schema), vocabulary, mostTokens });
        const said = draw(grammar, seed, mostTokens);
        expect(texts.some((text) => text.equals(bytesOf(said)))).toBe(true);
        for (let length = 0; length <= said.length; length++) {
          const before = said.slice(0, length);
          expect(sorted(grammar.allowed(before))).toEqual(bruteForce(texts, before, mostTokens));
        }
      }),
      { numRuns: 100 },
    );
  });

  it.each<[JsonSchema, unknown]>([
    [{ type: 'string' }, 'a "quoted" line\nof 20 % é, 漢字, 🙂 and \u0001'],
    [{ type: 'number' }, -12.75e-7],
    [{ type: 'integer' }, -120_000_000_000_000],
    [{ type: 'array', items: { type: 'number' }, minItems: 2 }, [0, 1.5, 1e21]],
    [
      { type: 'object', properties: { 'é"': { type: 'object', properties: {} }, b: { enum: [1, '1'] } } },
      { 'é"': {}, b: '1' },
    ],
  ])('%j allows %j in any cut into tokens', (schema, value) => {
    const grammar = createTokenConstraint({ pattern: jsonPattern(schema), vocabulary });
    const text = Buffer.from(JSON.stringify(value));
    for (const key of Key.of(3).split(20)) {
      const stream = key.stream();
      const said: number[] = [];
      for (let at = 0; at < text.length; ) {
        const fitting = [...TOKENS.keys()].filter((id) => {
          const token = TOKENS[id];
          return token != null && token.length > 0 && text.subarray(at, at + token.length).equals(token);
        });
        const id = stream.pick(fitting);
        expect(grammar.allowed(said)).toContain(id);
        said.push(id);
        at += TOKENS[id]!.length;
      }
      expect(grammar.allowed(said)).toContain(END);
      expect(grammar.allowed([...said, END])).toEqual([]);
    }
  });

  it.each<[object, string]>([
    [{ type: 'map' }, 'schema.type is "map"'],
    [{ type: 'toString' }, 'schema.type is "toString"'],
    [{}, 'schema.type is undefined'],
    [{ type: 'string', pattern: 'a*' }, 'schema.pattern is "a*"'],
    [{ type: 'string', minLength: 2, maxLength: 1 }, 'schema.maxLength is 1'],
    [{ type: 'string', maxLength: Infinity }, 'schema.maxLength'],
    [{ type: 'array', items: { type: 'null' }, minItems: -1 }, 'schema.minItems is -1'],
    [{ type: 'array' }, 'schema.items is undefined'],
    [{ type: 'object' }, 'schema.properties is undefined'],
    [{ enum: 'ab' }, 'schema.enum is "ab"'],
    [{ enum: [] }, 'schema.enum is []'],
    [{ enum: [[1]] }, 'schema.enum is [[1]]'],
    [{ enum: [Number.NaN] }, 'schema.enum'],
    [{ type: 'string', enum: ['a', 1] }, 'schema.enum is ["a",1]: use values of type string'],
    [{ type: 'object', properties: { a: { type: 'nul' } } }, 'schema.properties.a.type is "nul"'],
    [{ type: 'object', properties: { a: { type: 'null' } }, required: [] }, 'schema.required is []'],
    [{ type: 'object', properties: {}, additionalProperties: true }, 'schema.additionalProperties is true'],
  ])('refuses %j, naming the keyword', (schema, message) => {
    const build = () => jsonPattern(schema as JsonSchema);
    expect(build).toThrow(ConfigError);
    expect(build).toThrow(message);
  });
});

describe('a constraint of any pattern', () => {
  const lower = oneByte([0x61, 0x7a]);
  const words = sequence(
    repeat(lower, { least: 1, most: 3 }),
    repeat(sequence(literal(' '), repeat(lower, { least: 1 }))),
  );

  it('agrees with a regular expression on every text of four letters', () => {
    const nested = repeat(
      choice(literal('a'), sequence(literal('b'), repeat(literal('a'))), repeat(literal('ab'), { most: 2 })),
      { most: 2 },
    );
    const expression = /^(a|ba*|(ab){0,2}){0,2}$/;
    const grammar = createTokenConstraint({ pattern: nested, vocabulary });
    const ids = new Map(['a', 'b'].map((letter) => [letter, 1 + letter.charCodeAt(0)]));
    const accepts = (text: string) => {
      const said: number[] = [];
      for (const letter of text) {
        if (!grammar.allowed(said).includes(ids.get(letter)!)) return false;
        said.push(ids.get(letter)!);
      }
      return grammar.allowed(said).includes(END);
    };
    for (let code = 0; code < 3 ** 5; code++) {
      const text = code
        .toString(3)
        .padStart(5, '0')
        .replaceAll('2', '')
        .replaceAll('0', 'a')
        .replaceAll('1', 'b');
      expect(accepts(text), text).toBe(expression.test(text));
    }
  });

  it('ends in time: with 4 tokens and 5 bytes to say, only a longer token may begin', () => {
    const grammar = createTokenConstraint({ pattern: literal('true,'), vocabulary, mostTokens: 6 });
    expect(
      grammar
        .allowed([])
        .map((id) => vocabulary.textOf([id]))
        .sort(),
    ).toEqual(['t', 'tru', 'true', 'true']);
    expect(() => createTokenConstraint({ pattern: literal('true,'), vocabulary, mostTokens: 5 })).toThrow(
      'use at least 6',
    );
    const [t] = grammar.allowed([]).filter((id) => TOKENS[id]!.length === 1);
    expect(grammar.allowed([t!]).map((id) => vocabulary.textOf([id]))).toEqual(['r']);
  });

  it('draws words', () => {
    const grammar = createTokenConstraint({ pattern: words, vocabulary, mostTokens: 12 });
    for (let seed = 0; seed < 50; seed++)
      expect(textOf(draw(grammar, seed, 12))).toMatch(/^[a-z]{1,3}( [a-z]+)*$/);
  });

  it('needs every byte of the pattern as a token, an end that is one, and only allowed tokens before', () => {
    const few = new TokenVocabulary([encode('a'), encode('bc'), null], 2);
    expect(() => createTokenConstraint({ pattern: literal('abc'), vocabulary: few })).toThrow(
      '["0x62","0x63"]',
    );
    expect(() => new TokenVocabulary([encode('a')], 1)).toThrow(ConfigError);
    const grammar = createTokenConstraint({ pattern: literal('a'), vocabulary: few });
    expect(() => grammar.allowed([1])).toThrow('said[0] is 1');
    expect(() => grammar.allowed([2, 0])).toThrow('said[0] is 2');
  });

  it('refuses bounds and ranges that make no sense, and a pattern that is too large', () => {
    for (const bounds of [{ least: -1 }, { least: 2, most: 1 }, { most: 1.5 }, { most: Number.NaN }])
      expect(() => repeat(lower, bounds)).toThrow(ConfigError);
    for (const ranges of [[], [[2, 1]], [[0, 256]]] as const)
      expect(() => oneByte(...(ranges as readonly (readonly [number, number])[]))).toThrow(ConfigError);
    expect(() => choice()).toThrow(ConfigError);
    const large = repeat(repeat(lower, { most: 2000 }), { most: 2000 });
    expect(() => createTokenConstraint({ pattern: large, vocabulary })).toThrow('use smaller bounds');
  });
});

describe('byteLevelBytes', () => {
  it('reads the alphabet of byte-level BPE: all 256 bytes, once each', () => {
    expect([...byteLevelBytes('ĠĊĉÃ©!~ÿ')]).toEqual([0x20, 0x0a, 0x09, 0xc3, 0xa9, 0x21, 0x7e, 0xff]);
    expect([...byteLevelBytes('ĀġĢłŃ')]).toEqual([0x00, 0x7f, 0x80, 0xa0, 0xad]);
    const letters = Array.from({ length: 0x144 }, (_, code) => String.fromCodePoint(code));
    const read = letters.flatMap((letter) => {
      try {
        return [...byteLevelBytes(letter)];
      } catch {
        return [];
      }
    });
    expect(sorted(read)).toEqual(Array.from({ length: 256 }, (_, byte) => byte));
    expect(() => byteLevelBytes('a b')).toThrow(ConfigError);
  });
});

/** Fewest tokens of a text when every token is a byte: the length of the shortest text and the end. */
function fewest(pattern: Pattern): number {
  const shortest = (part: Pattern): number => {
    switch (part.kind) {
      case 'byte':
        return 1;
      case 'sequence':
        return part.parts.reduce((sum, inner) => sum + shortest(inner), 0);
      case 'choice':
        return Math.min(...part.options.map(shortest));
      case 'repeat':
        return part.least * shortest(part.pattern);
      default:
        return part satisfies never;
    }
  };
  return shortest(pattern) + 1;
}
