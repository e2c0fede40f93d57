import {
  BRIDGE_WINDOW_GRANULE,
  PCI_MEMORY_BASE,
  PCI_MEMORY_LIMIT,
  PCI_PREF_BASE_UPPER32,
  PCI_PREF_LIMIT_UPPER32,
  PCI_PREF_MEMORY_BASE,
  PCI_PREF_MEMORY_LIMIT,
  PCI_PREF_RANGE_TYPE_64,
} from '../spec/header.ts';
import type { ConfigReader } from './capability-walk.ts';

/** A range of bus addresses, `end` exclusive; empty when the window is closed (spec T6). */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

const CLOSED: AddressRange = { start: 0, end: 0 };

/** The non-prefetchable window of a bridge (spec T6). */
export function memoryWindow(config: ConfigReader): AddressRange {
  return range(windowAddress(config.read(PCI_MEMORY_BASE, 2)), windowAddress(config.read(PCI_MEMORY_LIMIT, 2)));
}

/** The prefetchable window of a bridge, with its upper halves where it has them (spec T6). */
export function prefetchableWindow(config: ConfigReader): AddressRange {
  const base = config.read(PCI_PREF_MEMORY_BASE, 2);
  const limit = config.read(PCI_PREF_MEMORY_LIMIT, 2);
  const wide = (base & 0xf) === PCI_PREF_RANGE_TYPE_64;
  const baseHigh = wide ? config.read(PCI_PREF_BASE_UPPER32, 4) * 2 ** 32 : 0;
  const limitHigh = wide ? config.read(PCI_PREF_LIMIT_UPPER32, 4) * 2 ** 32 : 0;
  return range(baseHigh + windowAddress(base), limitHigh + windowAddress(limit));
}

function windowAddress(register: number): number {
  return (register >>> 4) * BRIDGE_WINDOW_GRANULE;
}

/** Base > limit means closed; the limit is inclusive up to xFFFFF. */
function range(base: number, limit: number): AddressRange {
  return base > limit ? CLOSED : { start: base, end: limit + BRIDGE_WINDOW_GRANULE };
}
