import type { JsonSchema } from '@thinkrl/cot-sampler';
import fc from 'fast-check';

const scalar = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 4 }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const name = fc.oneof(fc.constantFrom('a', 'ab', 'verdict'), fc.string({ unit: 'grapheme', maxLength: 3 }));

function bounded<Low extends string, High extends string>(low: Low, high: High) {
  const pair = fc.tuple(fc.nat(3), fc.nat(3));
  return fc.oneof(
    fc.constant({}),
    pair.map(([least, more]) => ({ [low]: least, [high]: least + more })),
    fc.nat(3).map((least) => ({ [low]: least })),
  );
}

const leaf: fc.Arbitrary<JsonSchema> = fc.oneof(
  fc.constantFrom<JsonSchema>({ type: 'number' }, { type: 'integer' }, { type: 'boolean' }, { type: 'null' }),
  bounded('minLength', 'maxLength').map((bounds): JsonSchema => ({ type: 'string', ...bounds })),
  fc.array(scalar, { minLength: 1, maxLength: 4 }).map((values): JsonSchema => ({ enum: values })),
);

/** Random schemas, up to three levels deep. */
export const schemas: fc.Arbitrary<JsonSchema> = nested(leaf, bounded('minItems', 'maxItems'));

/** Random schemas with finitely many texts. */
export const finiteSchemas: fc.Arbitrary<JsonSchema> = nested(
  fc.oneof(
    fc.constantFrom<JsonSchema>({ type: 'boolean' }, { type: 'null' }),
    fc.array(scalar, { minLength: 1, maxLength: 3 }).map((values): JsonSchema => ({ enum: values })),
  ),
  fc.tuple(fc.nat(1), fc.nat(1)).map(([least, more]) => ({ minItems: least, maxItems: least + more })),
);

function nested(leaves: fc.Arbitrary<JsonSchema>, bounds: fc.Arbitrary<object>): fc.Arbitrary<JsonSchema> {
  return fc.letrec<{ any: JsonSchema }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 2 },
      leaves,
      fc
        .dictionary(name, tie('any'), { maxKeys: 2 })
        .map((properties): JsonSchema => ({ type: 'object', properties })),
      fc
        .tuple(tie('any'), bounds)
        .map(([items, limits]): JsonSchema => ({ type: 'array', items, ...limits })),
    ),
  })).any;
}

/** Whether a value is valid against a schema, written from the standard's words alone. */
export function isValid(value: unknown, schema: JsonSchema): boolean {
  if ('enum' in schema) return schema.enum.some((allowed) => Object.is(allowed, value) || allowed === value);
  switch (schema.type) {
    case 'object': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
      const names = Object.keys(schema.properties);
      const given = value as Readonly<Record<string, unknown>>;
      return (
        Object.keys(given).length === names.length &&
        names.every((key) => Object.hasOwn(given, key) && isValid(given[key], schema.properties[key]!))
      );
    }
    case 'array': {
      const { items, minItems = 0, maxItems = Infinity } = schema;
      return (
        Array.isArray(value) &&
        value.length >= minItems &&
        value.length <= maxItems &&
        value.every((item) => isValid(item, items))
      );
    }
    case 'string': {
      const { minLength = 0, maxLength = Infinity } = schema;
      return typeof value === 'string' && [...value].length >= minLength && [...value].length <= maxLength;
    }
    case 'number':
      return Number.isFinite(value);
    case 'integer':
      return Number.isSafeInteger(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'null':
      return value === null;
    default:
      return schema satisfies never;
  }
}

/** All texts of a finite schema, by enumeration. */
export function textsOf(schema: JsonSchema): readonly string[] {
  if ('enum' in schema) return schema.enum.map((value) => JSON.stringify(value));
  switch (schema.type) {
    case 'object': {
      const members = Object.entries(schema.properties).map(([key, value]) =>
        pairs([`${JSON.stringify(key)}:`, `${JSON.stringify(key)}: `], textsOf(value)),
      );
      return joined(members).map((inside) => `{${inside}}`);
    }
    case 'array': {
      const items = textsOf(schema.items);
      const counts = Array.from(
        { length: schema.maxItems! - schema.minItems! + 1 },
        (_, i) => schema.minItems! + i,
      );
      return counts.flatMap((count) => joined(Array(count).fill(items))).map((inside) => `[${inside}]`);
    }
    case 'boolean':
      return ['true', 'false'];
    case 'null':
      return ['null'];
    default:
      throw new Error(`${schema.type} has no end of texts`);
  }
}

function pairs(left: readonly string[], right: readonly string[]): readonly string[] {
  return left.flatMap((a) => right.map((b) => a + b));
}

function joined(parts: readonly (readonly string[])[]): readonly string[] {
  return parts.reduce((before, part, i) => pairs(i === 0 ? before : pairs(before, [',', ', ']), part), ['']);
}
