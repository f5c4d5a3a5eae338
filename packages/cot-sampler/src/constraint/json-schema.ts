import { ConfigError } from '@thinkrl/spec';

/** A value that JSON writes without brackets. */
export type JsonScalar = string | number | boolean | null;

/** Types of values that JSON writes without brackets. */
export type ScalarType = 'string' | 'number' | 'integer' | 'boolean' | 'null';

interface ObjectSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
}

interface ArraySchema {
  readonly type: 'array';
  readonly items: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
}

interface StringSchema {
  readonly type: 'string';
  readonly minLength?: number;
  readonly maxLength?: number;
}

interface PlainSchema {
  readonly type: 'number' | 'integer' | 'boolean' | 'null';
}

interface EnumSchema {
  readonly enum: readonly JsonScalar[];
  readonly type?: ScalarType;
}

/**
 * The part of JSON Schema that a constraint understands. Objects have all their properties, in this order, and no others
 * (the strict form of structured output); `required` and `additionalProperties` may say so. Numbers have at most 15
 * digits on either side of the point and an exponent of two, so that they are finite and integers are safe. Lengths of
 * strings count code points. `title` and `description` are allowed everywhere.
 */
export type JsonSchema = (ObjectSchema | ArraySchema | StringSchema | PlainSchema | EnumSchema) & {
  readonly title?: string;
  readonly description?: string;
};

const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength'],
  number: [],
  integer: [],
  boolean: [],
  null: [],
};

/** How often an item or a character may come. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** The bounds that two keywords of a schema give. Throws ConfigError when they are no whole numbers in order. */
export function boundsOf(schema: object, [low, high]: readonly [string, string], field: string): Bounds {
  const given = schema as Readonly<Record<string, number | undefined>>;
  const { [low]: least = 0, [high]: most = Number.POSITIVE_INFINITY } = given;
  const isCount = (value: number) => Number.isInteger(value) && value >= 0;
  if (!isCount(least)) throw wrong(`${field}.${low}`, least, 'use a whole number of at least 0');
  if (given[high] !== undefined && !(isCount(most) && most >= least))
    throw wrong(`${field}.${high}`, most, `use a whole number of at least ${least}`);
  return { least, most };
}

/** Throws ConfigError for a schema with a keyword that is unknown or makes no sense; what is inside it is not looked at. */
export function checkSchema(schema: JsonSchema, field: string): void {
  if (typeof schema !== 'object' || schema === null)
    throw wrong(field, schema, 'use an object with a type or an enum');
  const isEnum = 'enum' in schema;
  if (!isEnum && !Object.hasOwn(KEYWORDS, schema.type))
    throw wrong(`${field}.type`, schema.type, `use one of ${Object.keys(KEYWORDS).join(', ')}, or enum`);
  const known = ['type', ...(isEnum ? ['enum'] : KEYWORDS[schema.type]!), 'title', 'description'];
  for (const [name, value] of Object.entries(schema))
    if (!known.includes(name))
      throw wrong(`${field}.${name}`, value, `not understood here; use ${known.join(', ')}`);
  if (isEnum) checkEnum(schema, `${field}.enum`);
  else if (schema.type === 'object') checkObject(schema, field);
}

function checkEnum({ enum: values, type }: EnumSchema, field: string): void {
  if (!Array.isArray(values) || values.length === 0)
    throw wrong(field, values, 'give a list of at least one value');
  const kinds =
    type === undefined ? 'strings, finite numbers, true, false or null' : `values of type ${type}`;
  if (!values.every((value) => isScalar(value, type))) throw wrong(field, values, `use ${kinds}`);
}

function isScalar(value: JsonScalar, type: ScalarType | undefined): boolean {
  const isNumber = Number.isFinite(value);
  switch (type) {
    case undefined:
      return value === null || isNumber || typeof value === 'string' || typeof value === 'boolean';
    case 'null':
      return value === null;
    case 'number':
      return isNumber;
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function checkObject(
  { properties, required, additionalProperties = false }: ObjectSchema,
  field: string,
): void {
  if (typeof properties !== 'object' || properties === null)
    throw wrong(`${field}.properties`, properties, 'name the properties, or give {}');
  const inOrder = (names: readonly string[]) => JSON.stringify([...names].sort());
  if (required !== undefined && inOrder(required) !== inOrder(Object.keys(properties)))
    throw wrong(`${field}.required`, required, 'name every property');
  if (additionalProperties)
    throw wrong(
      `${field}.additionalProperties`,
      additionalProperties,
      'use false: only the named properties are said',
    );
}

function wrong(field: string, value: unknown, fix: string): ConfigError {
  return new ConfigError({ field, value, fix });
}
