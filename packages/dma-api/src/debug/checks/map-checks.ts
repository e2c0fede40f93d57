import { DMA_ATTR_MMIO } from '../../types/attrs.ts';
import { hex } from '../../types/hex.ts';
import { ALL_ONES } from '../../types/masks.ts';
import type { DebugDevice } from '../debug-device.ts';
import type { DmaDebug } from '../dma-debug.ts';
import { NONE } from '../store/entry-table.ts';
import { CheckState, EntryType } from '../store/entry-type.ts';

const FAILED = -1;

/**
 * `debug_dma_map_phys` (spec D88). `type` tells the page era's maps apart; in 7.3 all are `phy` (spec D80).
 *
 * @returns the new entry, or `NONE`
 */
export function debugMap(
  debug: DmaDebug,
  dev: DebugDevice,
  phys: number,
  size: number,
  dir: number,
  address: number,
  attrs: number,
  type: number = EntryType.PHY,
): number {
  if (debug.disabled || address === FAILED) return NONE;
  debugMappingError(debug, dev, address); // how the hook itself tests for failure, with its side effect (spec T26)
  const entry = debug.newEntry(dev, type, dir, CheckState.NOT_CHECKED);
  if (entry === NONE) return NONE;
  const { entries } = debug;
  entries.address[entry] = address;
  entries.phys[entry] = phys;
  entries.size[entry] = size;
  entries.attrs[entry] = attrs;
  if ((attrs & DMA_ATTR_MMIO) !== 0 || type === EntryType.RESOURCE) checkNotRam(debug, dev, phys, entry);
  else if (debug.checksMemory) checkMappable(debug, dev, phys, size, entry);
  debug.add(dev, entry);
  return entry;
}

/** `debug_dma_mapping_error`: one unchecked mapping of that address, the oldest, becomes checked (spec D89). */
export function debugMappingError(debug: DmaDebug, dev: DebugDevice, address: number): void {
  if (debug.disabled || address < 0) return;
  const entry = debug.entries.findUnchecked(dev.debugId, address);
  if (entry !== NONE) debug.entries.markChecked(entry);
}

/** `debug_dma_map_single` (spec D15, E1, E2): the pointer has a page of its own, and is not vmalloc. */
export function debugMapSingle(
  debug: DmaDebug,
  dev: DebugDevice,
  pointer: number,
  size: number,
  isVmalloc: boolean,
): void {
  if (debug.disabled) return;
  const operands = `[addr=${hex(pointer)}] [len=${size} bytes]`;
  if (isVmalloc) debug.report('E2', dev, `device driver maps vmalloc memory ${operands}`, pointer);
  else if (!debug.machine.pages.hasPage(pointer)) {
    debug.report('E1', dev, `device driver maps an invalid kernel address ${operands}`, pointer);
  }
}

/** `debug_dma_map_sg` (spec D90): the entries, one for each mapped segment. */
export function debugMapSg(
  debug: DmaDebug,
  dev: DebugDevice,
  cpuSide: readonly { readonly phys: number; readonly length: number }[],
  dmaSide: readonly { readonly address: number; readonly length: number }[],
  dir: number,
  attrs: number,
): number[] {
  const added: number[] = [];
  if (debug.disabled) return added;
  for (const { phys, length } of cpuSide) checkMappable(debug, dev, phys, length, NONE);
  for (const [i, { address, length }] of dmaSide.entries()) {
    const entry = debug.newEntry(dev, EntryType.SG, dir, CheckState.NOT_APPLICABLE);
    if (entry === NONE) return added;
    const { entries } = debug;
    entries.address[entry] = address;
    entries.phys[entry] = cpuSide[i].phys; // of the same position, whatever was joined (spec D90)
    entries.size[entry] = length;
    entries.attrs[entry] = attrs;
    entries.setSgCounts(entry, cpuSide.length, dmaSide.length);
    checkSegment(debug, dev, cpuSide[i].length, address, length, entry);
    debug.add(dev, entry);
    added.push(entry);
  }
  return added;
}

/** `debug_dma_alloc_coherent` and `debug_dma_alloc_pages` (spec D91): the size asked for, the first page's address. */
export function debugAlloc(
  debug: DmaDebug,
  dev: DebugDevice,
  type: number,
  phys: number,
  size: number,
  dir: number,
  address: number,
  attrs: number,
): number {
  if (debug.disabled) return NONE;
  const entry = debug.newEntry(dev, type, dir, CheckState.NOT_APPLICABLE);
  if (entry === NONE) return NONE;
  const { entries } = debug;
  entries.address[entry] = address;
  entries.phys[entry] = phys;
  entries.size[entry] = size;
  entries.attrs[entry] = attrs;
  debug.add(dev, entry);
  return entry;
}

/** E5: a descriptor that isn't marked reserved means RAM; BAR pages are reserved and pass. */
function checkNotRam(debug: DmaDebug, dev: DebugDevice, phys: number, entry: number): void {
  const { pages } = debug.machine;
  if (!pages.hasPage(phys) || pages.isReserved(phys)) return;
  debug.report('E5', dev, `resource map of RAM [addr=${hex(phys)}]`, debug.entries.address[entry], entry);
}

/** E3 and E4: memory that no device may be given. */
function checkMappable(debug: DmaDebug, dev: DebugDevice, phys: number, size: number, entry: number): void {
  const { stack, kernelSections } = debug.options;
  const address = entry === NONE ? phys : debug.entries.address[entry];
  if (stack && phys >= stack.start && phys < stack.end) {
    debug.report('E3', dev, `device driver maps memory from stack [probable addr=${hex(phys)}]`, address, entry);
  }
  if (kernelSections === undefined || debug.machine.pages.isHighMemory(phys)) return;
  if (kernelSections.some(({ start, end }) => phys < end && phys + size > start)) {
    const text = `device driver maps memory from kernel text or rodata [addr=${hex(phys)}] [len=${size}]`;
    debug.report('E4', dev, text, address, entry);
  }
}

/** E6 and E7: what the driver announced about its segments. */
function checkSegment(
  debug: DmaDebug,
  dev: DebugDevice,
  cpuLength: number,
  address: number,
  length: number,
  entry: number,
): void {
  if (cpuLength > dev.maxSegSize) {
    const text = `mapping sg segment longer than device claims to support [len=${cpuLength}] [max=${dev.maxSegSize}]`;
    debug.report('E6', dev, text, address, entry);
  }
  const last = address + length - 1;
  if (!crossesBoundary(address, last, dev.segBoundaryMask)) return;
  const range = `[start=0x${hex(address)}] [end=0x${hex(last)}] [boundary=0x${hex(dev.segBoundaryMask)}]`;
  debug.report('E7', dev, `mapping sg segment across boundary ${range}`, address, entry);
}

/** Start and end differ in bits outside the mask. */
function crossesBoundary(start: number, last: number, mask: number): boolean {
  return mask < ALL_ONES && Math.floor(start / (mask + 1)) !== Math.floor(last / (mask + 1));
}
