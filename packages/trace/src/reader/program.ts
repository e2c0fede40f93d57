import { EVENT_NAMES } from '../format/event-kind.ts';
import type { FormatPart } from '../format/field.ts';
import { FORMATS } from '../format/formats.ts';
import { encodeUtf8 } from '../log/utf8.ts';

/** Integers in a step, and what they are: first a literal, where its bytes start and their number, which may be 0; */
export const STEP = 5;
export const LITERAL_AT = 0;
export const LITERAL_LENGTH = 1;
/** then a field: its `FieldType`, or NO_FIELD; */
export const OPERATION = 2;
export const SLOT = 3;
/** and 1 when the slot is among the doubles. */
export const IS_WIDE = 4;
export const NO_FIELD = -1;

/**
 * `FORMATS` as the parser runs it: flat arrays instead of objects, and a literal together with the field behind it, so
 * that a line takes half as many steps as its format has parts.
 */
export interface Program {
  readonly steps: Int32Array;
  /** Steps of kind k are `steps[starts[k], starts[k + 1])`. */
  readonly starts: Int32Array;
  readonly literals: Uint8Array;
}

export function compileFormats(): Program {
  const steps: number[] = [];
  const literals: number[] = [];
  const starts = [0];
  for (let kind = 0; kind < EVENT_NAMES.length; kind++) {
    steps.push(...compileFormat(FORMATS[kind]!, literals));
    starts.push(steps.length);
  }
  return { steps: Int32Array.from(steps), starts: Int32Array.from(starts), literals: Uint8Array.from(literals) };
}

function compileFormat(parts: readonly FormatPart[], literals: number[]): number[] {
  const steps: number[] = [];
  let literal = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      literal += part;
    } else {
      steps.push(...addLiteral(literal, literals), part.type, part.slot, part.isWide ? 1 : 0);
      literal = '';
    }
  }
  if (literal !== '') steps.push(...addLiteral(literal, literals), NO_FIELD, 0, 0);
  return steps;
}

function addLiteral(literal: string, literals: number[]): [at: number, length: number] {
  const bytes = encodeUtf8(literal);
  const at = literals.length;
  literals.push(...bytes);
  return [at, bytes.length];
}
