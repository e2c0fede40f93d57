import { EVENT_NAMES } from '../format/event-kind.ts';
import type { FormatPart } from '../format/field.ts';
import { FORMATS } from '../format/formats.ts';
import { encodeUtf8 } from '../log/utf8.ts';

/** Integers in a step: operation, then two operands. */
export const STEP = 3;
/** Operation beside those of `FieldType`: a literal; operands are where its bytes start and their number. */
export const LITERAL = -1;

/**
 * `FORMATS` as the parser runs it: flat arrays instead of objects, so that a step is three adjacent loads. Operands of
 * a field are its slot and whether that slot is among the doubles.
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
    for (const part of FORMATS[kind]!) steps.push(...compilePart(part, literals));
    starts.push(steps.length);
  }
  return { steps: Int32Array.from(steps), starts: Int32Array.from(starts), literals: Uint8Array.from(literals) };
}

function compilePart(part: FormatPart, literals: number[]): number[] {
  if (typeof part !== 'string') return [part.type, part.slot, part.isWide ? 1 : 0];
  const bytes = encodeUtf8(part);
  const start = literals.length;
  literals.push(...bytes);
  return [LITERAL, start, bytes.length];
}
