import {
  PCI_BASE_ADDRESS_0,
  PCI_BASE_ADDRESS_MEM_PREFETCH,
  PCI_BASE_ADDRESS_MEM_TYPE_64,
  PCI_BASE_ADDRESS_MEM_TYPE_MASK,
  PCI_BASE_ADDRESS_SPACE_IO,
} from '../spec/header.ts';
import type { ConfigReader } from './capability-walk.ts';

/** One BAR as its function was built: what sizing it would find out (spec T5). */
export interface BarDescription {
  /** 0 to 5; a 64-bit BAR takes the next register too. */
  readonly index: number;
  readonly kind: 'memory32' | 'memory64' | 'io';
  readonly prefetchable?: boolean;
  /** A power of two: at least 16 for memory, 4 for I/O. */
  readonly sizeBytes: number;
}

/** Config offset of a BAR register. */
export function barOffset(index: number): number {
  return PCI_BASE_ADDRESS_0 + 4 * index;
}

/** The read-only low bits of a BAR register (spec T5). */
export function barTypeBits(bar: BarDescription): number {
  if (bar.kind === 'io') return PCI_BASE_ADDRESS_SPACE_IO;
  const width = bar.kind === 'memory64' ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0;
  return width | (bar.prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
}

/** True where a memory BAR register announces an upper half in the next one. */
export function isBar64(register: number): boolean {
  return (
    (register & PCI_BASE_ADDRESS_SPACE_IO) === 0 &&
    (register & PCI_BASE_ADDRESS_MEM_TYPE_MASK) === PCI_BASE_ADDRESS_MEM_TYPE_64
  );
}

/** The bus address in a memory BAR (spec T5); addresses past 2^53 lose low bits, and no window reaches them. */
export function barBusAddress(config: ConfigReader, index: number): number {
  const low = config.read(barOffset(index), 4);
  const base = (low & ~0xf) >>> 0;
  return isBar64(low) ? base + config.read(barOffset(index + 1), 4) * 2 ** 32 : base;
}
