/** The part of JSON Schema that machine descriptions need, and that {@link readValue} understands. */
export type Schema = ObjectSchema | ArraySchema | IntegerSchema | NumberSchema | StringSchema | BooleanSchema;

interface Described {
  readonly description?: string;
}

export interface ObjectSchema extends Described {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: readonly string[];
  readonly additionalProperties: false;
}

/** Items are told apart by their `kind`. */
export interface ArraySchema extends Described {
  readonly type: 'array';
  readonly minItems: number;
  readonly items: { readonly oneOf: readonly ObjectSchema[] };
}

export interface IntegerSchema extends Described {
  readonly type: 'integer';
  readonly minimum: number;
  readonly maximum: number;
  readonly multipleOf?: number;
  readonly default?: number;
}

/** With a fraction, if it likes. */
export interface NumberSchema extends Described {
  readonly type: 'number';
  readonly minimum: number;
  readonly maximum: number;
  readonly default?: number;
}

export interface StringSchema extends Described {
  readonly type: 'string';
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly default?: string;
}

export interface BooleanSchema extends Described {
  readonly type: 'boolean';
  readonly default?: boolean;
}
