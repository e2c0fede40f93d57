import type { ArraySchema, IntegerSchema, NumberSchema, ObjectSchema, Schema, StringSchema } from './schema-types.ts';

/** A value that is not as its schema says: where, what is wrong, what would be right. */
export interface SchemaFault {
  /** Keys and indexes from the top. */
  readonly path: readonly (string | number)[];
  readonly problem: string;
  readonly remedy: string;
}

type Path = SchemaFault['path'];
/** Takes the first fault; never returns. */
type Refuse = (path: Path, problem: string, remedy: string) => never;

/** The value with its defaults filled in, as the schema describes it. */
export function readValue(schema: Schema, value: unknown, path: Path, refuse: Refuse): unknown {
  switch (schema.type) {
    case 'object':
      return readObject(schema, value, path, refuse);
    case 'array':
      return readArray(schema, value, path, refuse);
    case 'integer':
      return readInteger(schema, value, path, refuse);
    case 'number':
      return readNumber(schema, value, path, refuse);
    case 'string':
      return readString(schema, value, path, refuse);
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse(path, `${show(value)} is not a truth value`, 'true or false');
  }
}

function readObject(schema: ObjectSchema, value: unknown, path: Path, refuse: Refuse): Record<string, unknown> {
  const { properties, required } = schema;
  if (!isRecord(value)) return refuse(path, `${show(value)} has no keys`, `the keys are ${keysOf(schema)}`);
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(properties, key))
      refuse([...path, key], `unknown key "${key}"`, `the keys are ${keysOf(schema)}`);
  }
  for (const key of required) if (value[key] === undefined) refuse(path, `no "${key}"`, 'add it');
  const read: Record<string, unknown> = {};
  for (const [key, property] of Object.entries(properties)) {
    if (value[key] !== undefined) read[key] = readValue(property, value[key], [...path, key], refuse);
    else if ('default' in property) read[key] = property.default;
  }
  return read;
}

function readArray({ minItems, items }: ArraySchema, value: unknown, path: Path, refuse: Refuse): unknown[] {
  if (!Array.isArray(value)) return refuse(path, `${show(value)} is no list`, 'write one item a line, each after "- "');
  if (value.length < minItems) refuse(path, 'an empty list', `list at least ${minItems}`);
  return value.map((item, i) => {
    const kind = isRecord(item) ? item['kind'] : undefined;
    const schema = items.oneOf.find(({ properties }) => constantOf(properties['kind']) === kind);
    if (schema !== undefined) return readValue(schema, item, [...path, i], refuse);
    const kinds = items.oneOf.map(({ properties }) => constantOf(properties['kind'])).join(', ');
    return refuse([...path, i], `kind ${show(kind)} is none`, `the kinds are ${kinds}`);
  });
}

function readInteger(schema: IntegerSchema, value: unknown, path: Path, refuse: Refuse): number {
  const { minimum, maximum, multipleOf = 1 } = schema;
  if (typeof value === 'number' && value >= minimum && value <= maximum && value % multipleOf === 0) return value;
  const step = multipleOf === 1 ? 'a whole number' : `a multiple of ${multipleOf}`;
  return refuse(path, `${show(value)} does not fit`, `give ${step} from ${minimum} to ${maximum}`);
}

function readNumber({ minimum, maximum }: NumberSchema, value: unknown, path: Path, refuse: Refuse): number {
  if (typeof value === 'number' && value >= minimum && value <= maximum) return value;
  return refuse(path, `${show(value)} does not fit`, `give a number from ${minimum} to ${maximum}`);
}

function readString(schema: StringSchema, value: unknown, path: Path, refuse: Refuse): string {
  if (typeof value !== 'string') return refuse(path, `${show(value)} is not text`, 'put it in quotes');
  if (schema.enum === undefined || schema.enum.includes(value)) return value;
  return refuse(path, `"${value}" is none of them`, `one of ${schema.enum.join(', ')}`);
}

function constantOf(schema: Schema | undefined): string | undefined {
  return schema?.type === 'string' ? schema.const : undefined;
}

function keysOf({ properties }: ObjectSchema): string {
  return Object.keys(properties).join(', ');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
