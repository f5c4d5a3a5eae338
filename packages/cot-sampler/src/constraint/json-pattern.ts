import { boundsOf, checkSchema, type JsonSchema } from './json-schema.ts';
import { choice, literal, oneByte, type Pattern, repeat, sequence } from './pattern.ts';

/**
 * The JSON texts that are valid against a schema, written compactly; one space may follow `,` and `:`.
 *
 * @throws ConfigError that names the keyword which is unknown or makes no sense, and where it stands.
 * @example
 * const pattern = jsonPattern({ type: 'object', properties: { steps: { type: 'array', items: { type: 'string' } } } });
 */
export function jsonPattern(schema: JsonSchema): Pattern {
  return patternOf(schema, 'schema');
}

const optional = (pattern: Pattern) => repeat(pattern, { most: 1 });
const comma = sequence(literal(','), optional(literal(' ')));
const colon = sequence(literal(':'), optional(literal(' ')));
const digit = oneByte([0x30, 0x39]);
const hexDigit = oneByte([0x30, 0x39], [0x41, 0x46], [0x61, 0x66]);
const tail = oneByte([0x80, 0xbf]);

/** A code point beyond ASCII in UTF-8: no overlong form, no surrogate, nothing above U+10FFFF. */
const beyondAscii = choice(
  sequence(oneByte([0xc2, 0xdf]), tail),
  sequence(oneByte([0xe0, 0xe0]), oneByte([0xa0, 0xbf]), tail),
  sequence(oneByte([0xe1, 0xec], [0xee, 0xef]), tail, tail),
  sequence(oneByte([0xed, 0xed]), oneByte([0x80, 0x9f]), tail),
  sequence(oneByte([0xf0, 0xf0]), oneByte([0x90, 0xbf]), tail, tail),
  sequence(oneByte([0xf1, 0xf3]), tail, tail, tail),
  sequence(oneByte([0xf4, 0xf4]), oneByte([0x80, 0x8f]), tail, tail),
);

/** `\u` and four hex digits, surrogates left out: each escape is one code point. */
const codeEscape = sequence(
  literal('u'),
  choice(
    sequence(oneByte([0x30, 0x39], [0x41, 0x43], [0x45, 0x46], [0x61, 0x63], [0x65, 0x66]), hexDigit),
    sequence(oneByte([0x44, 0x44], [0x64, 0x64]), oneByte([0x30, 0x37])),
  ),
  hexDigit,
  hexDigit,
);
const shortEscape = choice(...'"\\/bfnrt'.split('').map(literal));
const character = choice(
  oneByte([0x20, 0x21], [0x23, 0x5b], [0x5d, 0x7f]),
  sequence(literal('\\'), choice(shortEscape, codeEscape)),
  beyondAscii,
);

const whole = sequence(
  optional(literal('-')),
  choice(literal('0'), sequence(oneByte([0x31, 0x39]), repeat(digit, { most: 14 }))),
);
const fraction = sequence(literal('.'), repeat(digit, { least: 1, most: 15 }));
const exponent = sequence(
  oneByte([0x45, 0x45], [0x65, 0x65]),
  optional(oneByte([0x2b, 0x2b], [0x2d, 0x2d])),
  repeat(digit, { least: 1, most: 2 }),
);

function patternOf(schema: JsonSchema, field: string): Pattern {
  checkSchema(schema, field);
  if ('enum' in schema) return choice(...schema.enum.map((value) => literal(JSON.stringify(value))));
  switch (schema.type) {
    case 'object':
      return objectPattern(schema, field);
    case 'array': {
      const { least, most } = boundsOf(schema, ['minItems', 'maxItems'], field);
      return sequence(
        literal('['),
        listOf(patternOf(schema.items, `${field}.items`), least, most),
        literal(']'),
      );
    }
    case 'string':
      return quoted(repeat(character, boundsOf(schema, ['minLength', 'maxLength'], field)));
    case 'number':
      return sequence(whole, optional(fraction), optional(exponent));
    case 'integer':
      return whole;
    case 'boolean':
      return choice(literal('true'), literal('false'));
    case 'null':
      return literal('null');
    default:
      return schema satisfies never;
  }
}

function objectPattern(schema: JsonSchema & { type: 'object' }, field: string): Pattern {
  const members = Object.entries(schema.properties).map(([name, value], i) =>
    sequence(
      ...(i === 0 ? [] : [comma]),
      literal(JSON.stringify(name)),
      colon,
      patternOf(value, `${field}.properties.${name}`),
    ),
  );
  return sequence(literal('{'), ...members, literal('}'));
}

function quoted(pattern: Pattern): Pattern {
  return sequence(literal('"'), pattern, literal('"'));
}

function listOf(item: Pattern, least: number, most: number): Pattern {
  if (most === 0) return sequence();
  const others = repeat(sequence(comma, item), { least: Math.max(0, least - 1), most: most - 1 });
  const some = sequence(item, others);
  return least === 0 ? optional(some) : some;
}
