import { barOffset, isBar64 } from '../config/bars.ts';
import {
  PCI_BASE_ADDRESS_MEM_PREFETCH,
  PCI_BASE_ADDRESS_SPACE_IO,
  PCI_COMMAND,
  PCI_COMMAND_IO,
  PCI_COMMAND_MEMORY,
} from '../spec/header.ts';
import type { ConfigWindow } from './config-access.ts';

/** A memory BAR as sizing it found it. */
export interface SizedBar {
  readonly index: number;
  readonly sizeBytes: number;
  /** Prefetchable and 64-bit: may live in a prefetchable window (spec T6). */
  readonly isPrefetchable64: boolean;
  readonly is64: boolean;
}

/** Writes all ones to every memory BAR and reads the size back (spec T5). Decoding is off meanwhile. */
export function sizeMemoryBars(config: ConfigWindow, registers: number): SizedBar[] {
  const command = config.read(PCI_COMMAND, 2);
  config.write(PCI_COMMAND, 2, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
  const bars: SizedBar[] = [];
  for (let index = 0; index < registers; index++) {
    const original = config.read(barOffset(index), 4);
    const is64 = isBar64(original);
    const sizeBytes = original & PCI_BASE_ADDRESS_SPACE_IO ? 0 : sizeOf(config, index, is64);
    if (sizeBytes > 0) {
      const isPrefetchable64 = is64 && (original & PCI_BASE_ADDRESS_MEM_PREFETCH) !== 0;
      bars.push({ index, sizeBytes, isPrefetchable64, is64 });
    }
    if (is64) index++; // the upper half is no BAR of its own
  }
  config.write(PCI_COMMAND, 2, command);
  return bars;
}

function sizeOf(config: ConfigWindow, index: number, is64: boolean): number {
  const low = probe(config, barOffset(index)) & ~0xf;
  const high = is64 ? probe(config, barOffset(index + 1)) : low === 0 ? 0 : 0xffff_ffff;
  if (low !== 0) return (~low >>> 0) + 1;
  return high === 0 ? 0 : ((~high >>> 0) + 1) * 2 ** 32;
}

function probe(config: ConfigWindow, offset: number): number {
  const original = config.read(offset, 4);
  config.write(offset, 4, 0xffff_ffff);
  const answer = config.read(offset, 4);
  config.write(offset, 4, original);
  return answer;
}
