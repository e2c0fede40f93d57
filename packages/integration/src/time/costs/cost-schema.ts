import type { IntegerSchema, NumberSchema, ObjectSchema } from '../../machine/schema/schema-types.ts';
import { COST_TABLE, type CostEntry } from './cost-table.ts';

/** Least and most that a figure of a unit can be. */
const RANGES: Readonly<Record<CostEntry['unit'], readonly [least: number, most: number]>> = {
  ns: [0, 1e12],
  bytes: [1, 2 ** 24],
  'bytes/s': [1e3, 1e15],
  'GT/s': [2.5, 64],
  lanes: [1, 32],
  count: [1, 65536],
};

const WHOLE: ReadonlySet<CostEntry['unit']> = new Set(['bytes', 'lanes', 'count']);

function schemaOf({ unit, meaning, value }: CostEntry): NumberSchema | IntegerSchema {
  const [minimum, maximum] = RANGES[unit];
  const type = WHOLE.has(unit) ? 'integer' : 'number';
  return { type, description: `${meaning}; ${unit}, ${value} unless told`, minimum, maximum };
}

/** `costs` of a machine description: any figure of the cost model. */
export const COST_SCHEMA: ObjectSchema = {
  type: 'object',
  description: 'Where this machine is faster or slower than docs/cost-model.md says.',
  properties: Object.fromEntries(Object.entries(COST_TABLE).map(([key, entry]) => [key, schemaOf(entry)])),
  required: [],
  additionalProperties: false,
};
