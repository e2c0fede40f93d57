/** Where a fuzz case keeps what in RAM: tables first, then what devices may reach. */
export interface FuzzLayout {
  /** Pages for tables, one after the other. */
  readonly tables: number;
  readonly tablePages: number;
  /** A page that must stay reachable at its own address: completions of the engine. */
  readonly completions: number;
  /** Multiple of 2 MiB. */
  readonly data: number;
  readonly dataBytes: number;
}

/** What the word at an address of the data holds before anybody writes to it. */
export function dataWord(at: number): number {
  return Math.imul(at >>> 2, 0x9e3779b1) >>> 0;
}

/** A range of the data as it is at first. */
export function dataBytes(at: number, lengthBytes: number): Uint8Array {
  const words = Uint32Array.from({ length: lengthBytes / 4 }, (_, i) => dataWord(at + 4 * i));
  return new Uint8Array(words.buffer);
}
