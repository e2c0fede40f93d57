/** Operations, bits 7:0 of a bio's op word (spec N1). Odd ones send data to the device. */
export const REQ_OP_READ = 0;
export const REQ_OP_WRITE = 1;
export const REQ_OP_FLUSH = 2;
export const REQ_OP_DISCARD = 3;
export const REQ_OP_SECURE_ERASE = 5;
export const REQ_OP_ZONE_APPEND = 7;
export const REQ_OP_WRITE_ZEROES = 9;
export const REQ_OP_ZONE_OPEN = 11;
export const REQ_OP_ZONE_CLOSE = 13;
export const REQ_OP_ZONE_FINISH = 15;
export const REQ_OP_ZONE_RESET = 17;
export const REQ_OP_ZONE_RESET_ALL = 19;
export const REQ_OP_DRV_IN = 34;
export const REQ_OP_DRV_OUT = 35;

/** Flags, from bit 8 of the op word (spec N1). */
export const REQ_FAILFAST_DEV: number = 1 << 8;
export const REQ_FAILFAST_TRANSPORT: number = 1 << 9;
export const REQ_FAILFAST_DRIVER: number = 1 << 10;
export const REQ_SYNC: number = 1 << 11;
export const REQ_META: number = 1 << 12;
export const REQ_PRIO: number = 1 << 13;
export const REQ_NOMERGE: number = 1 << 14;
export const REQ_IDLE: number = 1 << 15;
export const REQ_INTEGRITY: number = 1 << 16;
export const REQ_FUA: number = 1 << 17;
export const REQ_PREFLUSH: number = 1 << 18;
export const REQ_RAHEAD: number = 1 << 19;
export const REQ_BACKGROUND: number = 1 << 20;
export const REQ_NOWAIT: number = 1 << 21;
export const REQ_POLLED: number = 1 << 22;
export const REQ_ATOMIC: number = 1 << 27;
export const REQ_NOUNMAP: number = 1 << 28;

const REQ_OP_MASK = 0xff;

export function reqOp(opf: number): number {
  return opf & REQ_OP_MASK;
}

export function opIsWrite(opf: number): boolean {
  return (opf & 1) !== 0;
}

/** Commands that a driver or a user built, not the block layer (spec N1). */
export function opIsPassthrough(opf: number): boolean {
  const op = opf & REQ_OP_MASK;
  return op === REQ_OP_DRV_IN || op === REQ_OP_DRV_OUT;
}

const OP_LETTERS: Readonly<Record<number, string>> = {
  [REQ_OP_READ]: 'R',
  [REQ_OP_WRITE]: 'W',
  [REQ_OP_FLUSH]: 'F',
  [REQ_OP_DISCARD]: 'D',
  [REQ_OP_SECURE_ERASE]: 'DE',
  [REQ_OP_ZONE_APPEND]: 'ZA',
  [REQ_OP_WRITE_ZEROES]: 'WZ',
  [REQ_OP_ZONE_OPEN]: 'ZO',
  [REQ_OP_ZONE_CLOSE]: 'ZC',
  [REQ_OP_ZONE_FINISH]: 'ZF',
  [REQ_OP_ZONE_RESET]: 'ZR',
  [REQ_OP_ZONE_RESET_ALL]: 'ZRA',
};

/** The operation as trace events print it: `WS`, `FF`, `DS` (spec N110). */
export function rwbs(opf: number): string {
  return (
    ((opf & REQ_PREFLUSH) !== 0 ? 'F' : '') +
    (OP_LETTERS[opf & REQ_OP_MASK] ?? 'N') +
    ((opf & REQ_FUA) !== 0 ? 'F' : '') +
    ((opf & REQ_RAHEAD) !== 0 ? 'A' : '') +
    ((opf & REQ_SYNC) !== 0 ? 'S' : '') +
    ((opf & REQ_META) !== 0 ? 'M' : '') +
    ((opf & REQ_ATOMIC) !== 0 ? 'U' : '')
  );
}

const OP_NAMES: Readonly<Record<number, string>> = {
  [REQ_OP_READ]: 'READ',
  [REQ_OP_WRITE]: 'WRITE',
  [REQ_OP_FLUSH]: 'FLUSH',
  [REQ_OP_DISCARD]: 'DISCARD',
  [REQ_OP_SECURE_ERASE]: 'SECURE_ERASE',
  [REQ_OP_ZONE_APPEND]: 'ZONE_APPEND',
  [REQ_OP_WRITE_ZEROES]: 'WRITE_ZEROES',
  [REQ_OP_DRV_IN]: 'DRV_IN',
  [REQ_OP_DRV_OUT]: 'DRV_OUT',
};

/** The operation as log lines print it (spec N30). */
export function opName(op: number): string {
  return OP_NAMES[op] ?? 'UNKNOWN';
}
