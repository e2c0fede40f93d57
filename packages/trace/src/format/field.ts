import * as slot from './record.ts';

/** How a field is written in the line. Numbers, because the parser switches on them. */
export const FieldType = {
  /** A name up to the next literal, kept as a string number. */
  NAME: 0,
  /** Lower-case hex without prefix. */
  HEX: 1,
  /** The same for a DMA mask, which is 2^n - 1 and may exceed what a double can count. */
  MASK: 2,
  /** `0x` and 16 digits. */
  HEX16: 3,
  /** `0x` and as many digits as needed, at least `width`. */
  HEX0X: 4,
  DEC: 5,
  DIR: 6,
  ATTRS: 7,
  /** 16 hex digits of a hashed pointer, kept in two halves. */
  POINTER: 8,
  /** `{0x..,0x..}`. */
  LIST: 9,
  /** `FORCE` or `NORMAL`. */
  FORCE: 10,
  /** `disk=NAME, ` or nothing. */
  DISK: 11,
  /** ` [TRUNCATED]` or nothing. */
  TRUNCATED: 12,
  /** Rest of the line, kept as text. */
  TEXT: 13,
  /** A name that fills the rest of the line up to a final `]`. */
  BRACKETED: 14,
} as const;
export type FieldType = (typeof FieldType)[keyof typeof FieldType];

/** One value of an event line: its name in `TraceEvent`, how it is written, where the record holds it. */
export interface Field {
  readonly key: string;
  readonly type: FieldType;
  readonly isWide: boolean;
  readonly slot: number;
  /** Least number of digits; 1 unless the format pads. */
  readonly width: number;
}

/** A literal piece of text, or a field. */
export type FormatPart = string | Field;

function wide(key: string, type: FieldType, slot: number): Field {
  return { key, type, isWide: true, slot, width: 1 };
}

function narrow(key: string, type: FieldType, slot: number, width = 1): Field {
  return { key, type, isWide: false, slot, width };
}

const { NAME, HEX, MASK, HEX16, HEX0X, DEC, POINTER, LIST, BRACKETED } = FieldType;

/** The body of an event that has no format here. */
export const body = narrow('body', FieldType.TEXT, slot.POOL_AT);

export const device = narrow('device', NAME, slot.DEVICE);
export const dir = narrow('dir', FieldType.DIR, slot.DIR);
export const attrs = narrow('attrs', FieldType.ATTRS, slot.ATTRS);
export const size = wide('size', DEC, slot.SIZE);

export const dmaAddr = wide('dmaAddr', HEX, slot.ADDRESS);
export const physAddr = wide('physAddr', HEX, slot.PHYS);
export const virtAddr = narrow('virtAddr', POINTER, slot.N0);
export const gfp = narrow('gfp', NAME, slot.N2);
export const tracedNents = narrow('tracedNents', DEC, slot.N4);
export const nents = narrow('nents', DEC, slot.N2);
export const tracedEnts = narrow('tracedEnts', DEC, slot.N5);
export const ents = narrow('ents', DEC, slot.N3);
export const truncated = narrow('truncated', FieldType.TRUNCATED, slot.N2);
export const dmaAddrs = narrow('dmaAddrs', LIST, slot.N0);
export const sizes = narrow('sizes', LIST, slot.N0);
export const physAddrs = narrow('physAddrs', LIST, slot.N1);
export const err = narrow('err', DEC, slot.N2);
export const dmaMask = wide('dmaMask', MASK, slot.EXTRA);
export const devAddr = wide('devAddr', HEX, slot.ADDRESS);
export const force = narrow('force', FieldType.FORCE, slot.N0);

export const iova = wide('iova', HEX16, slot.ADDRESS);
export const end = wide('end', HEX16, slot.EXTRA);
export const paddr = wide('physAddr', HEX16, slot.PHYS);
export const unmappedSize = wide('unmappedSize', DEC, slot.PHYS);
export const groupId = narrow('groupId', DEC, slot.N0);
export const driver = narrow('driver', NAME, slot.N0);
export const faultFlags = narrow('faultFlags', HEX0X, slot.ATTRS, 4);

export const disk = narrow('disk', FieldType.DISK, slot.N0);
export const qid = narrow('qid', DEC, slot.N1);
export const cmdid = narrow('cmdid', DEC, slot.N2);
export const nsid = wide('nsid', DEC, slot.EXTRA);
export const nvmeFlags = narrow('nvmeFlags', HEX0X, slot.ATTRS);
export const meta = narrow('meta', HEX0X, slot.N3);
export const command = narrow('command', FieldType.TEXT, slot.POOL_AT);
export const head = narrow('head', DEC, slot.N2);
export const tail = narrow('tail', DEC, slot.N3);
export const result = wide('result', HEX0X, slot.EXTRA);
export const retries = narrow('retries', DEC, slot.N3);
export const status = narrow('status', HEX0X, slot.N4);
export const aen = narrow('aen', HEX0X, slot.ATTRS, 6);
export const aenName = narrow('aenName', BRACKETED, slot.N0);

export const rwbs = narrow('rwbs', NAME, slot.N0);
export const bytes = wide('bytes', DEC, slot.SIZE);
export const sector = wide('sector', DEC, slot.ADDRESS);
export const sectors = wide('sectors', DEC, slot.EXTRA);
export const newSector = wide('newSector', DEC, slot.EXTRA);
export const ioClass = narrow('ioClass', NAME, slot.N1);
export const ioHint = narrow('ioHint', DEC, slot.N2);
export const ioLevel = narrow('ioLevel', DEC, slot.N3);
export const submitter = narrow('submitter', BRACKETED, slot.N4);
export const errno = narrow('errno', DEC, slot.N4);
export const unplugger = narrow('submitter', NAME, slot.N4);
export const unplugged = narrow('requests', DEC, slot.N2);
