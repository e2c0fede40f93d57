import { type Expression, parsePrintFormat } from './print-format.ts';

/** A field of a record, as the event's `format` file describes it. */
export interface RecordField {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly isSigned: boolean;
  /** `__data_loc`, `__rel_loc`: the field holds where the data is; else it is the data. */
  readonly location: 'here' | 'absolute' | 'relative';
  readonly isArray: boolean;
}

/** What the `format` file of an event says. */
export interface EventFormat {
  readonly name: string;
  readonly id: number;
  readonly fields: ReadonlyMap<string, RecordField>;
  /** How the event is printed; undefined when its print format is beyond us. */
  readonly print: readonly Expression[] | undefined;
}

const FIELD = /field:\s*([^;]*?)(\w+)(\[[^\]]*\])?;\s*offset:(\d+);\s*size:(\d+);(?:\s*signed:(\d);)?/g;

/** Reads a `format` file; undefined when it has no name or no number. */
export function parseEventFormat(text: string): EventFormat | undefined {
  const name = /^name: (.+)$/m.exec(text)?.[1];
  const id = /^ID: (\d+)$/m.exec(text)?.[1];
  if (name === undefined || id === undefined) return undefined;
  const print = /^print fmt: (.*)$/ms.exec(text)?.[1];
  return {
    name,
    id: Number(id),
    fields: parseFields(text),
    print: print === undefined ? undefined : parsePrintFormat(print),
  };
}

/** The `field:` lines of a `format` file or of `header_page`, by name. */
export function parseFields(text: string): ReadonlyMap<string, RecordField> {
  const fields = new Map<string, RecordField>();
  for (const [, type, name, brackets, offset, size, sign] of text.matchAll(FIELD)) {
    const location = type!.includes('__data_loc') ? 'absolute' : type!.includes('__rel_loc') ? 'relative' : 'here';
    fields.set(name!, {
      name: name!,
      offset: Number(offset),
      size: Number(size),
      isSigned: sign === '1',
      location,
      isArray: brackets !== undefined || location !== 'here',
    });
  }
  return fields;
}
