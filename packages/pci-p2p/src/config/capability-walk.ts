import { PCI_CAPABILITY_LIST, PCI_CFG_SPACE_SIZE, PCI_STATUS, PCI_STATUS_CAP_LIST } from '../spec/header.ts';

/** Reads config space of one function; `ConfigSpace` is one, so is a dump. */
export interface ConfigReader {
  read(offset: number, width: 1 | 2 | 4): number;
}

/** A list that loops ends after this many entries (spec T7). */
const MAX_STANDARD = 48;
const MAX_EXTENDED = 960;

export interface CapabilityEntry {
  readonly id: number;
  readonly offset: number;
}

/** The standard list in chain order; empty when the status register says there is none (spec T3, T7). */
export function standardCapabilities(config: ConfigReader): CapabilityEntry[] {
  const found: CapabilityEntry[] = [];
  if ((config.read(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST) === 0) return found;
  let at = config.read(PCI_CAPABILITY_LIST, 1) & ~3;
  for (let left = MAX_STANDARD; left > 0 && at >= 0x40; left--) {
    const id = config.read(at, 1);
    if (id === 0xff) break;
    found.push({ id, offset: at });
    at = config.read(at + 1, 1) & ~3;
  }
  return found;
}

/** The extended list in chain order; empty where the first dword is all zero or all ones (spec T7). */
export function extendedCapabilities(config: ConfigReader): CapabilityEntry[] {
  const found: CapabilityEntry[] = [];
  let at = PCI_CFG_SPACE_SIZE;
  for (let left = MAX_EXTENDED; left > 0 && at >= PCI_CFG_SPACE_SIZE; left--) {
    const header = config.read(at, 4);
    if (header === 0 || header === 0xffff_ffff) break;
    found.push({ id: header & 0xffff, offset: at });
    at = (header >>> 20) & ~3;
  }
  return found;
}

/** Offset of the first standard capability with that id, or 0. */
export function findCapability(config: ConfigReader, id: number): number {
  return standardCapabilities(config).find((entry) => entry.id === id)?.offset ?? 0;
}

/** Offset of the first extended capability with that id, or 0. */
export function findExtendedCapability(config: ConfigReader, id: number): number {
  return extendedCapabilities(config).find((entry) => entry.id === id)?.offset ?? 0;
}
