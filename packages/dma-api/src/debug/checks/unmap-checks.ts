import {
  DMA_ATTR_CC_SHARED,
  DMA_ATTR_FORCE_CONTIGUOUS,
  DMA_ATTR_MMIO,
  DMA_ATTR_NO_KERNEL_MAPPING,
  DMA_ATTR_PRIVILEGED,
  DMA_ATTR_REQUIRE_COHERENT,
} from '../../types/attrs.ts';
import { directionName } from '../../types/direction.ts';
import { hex } from '../../types/hex.ts';
import type { DebugDevice } from '../debug-device.ts';
import type { DmaDebug } from '../dma-debug.ts';
import { NONE } from '../store/entry-table.ts';
import { CheckState, ENTRY_TYPE_NAMES, EntryType } from '../store/entry-type.ts';

/** Attributes that an unmap must repeat (spec E17). */
const MUST_REPEAT =
  DMA_ATTR_NO_KERNEL_MAPPING |
  DMA_ATTR_FORCE_CONTIGUOUS |
  DMA_ATTR_MMIO |
  DMA_ATTR_REQUIRE_COHERENT |
  DMA_ATTR_PRIVILEGED |
  DMA_ATTR_CC_SHARED;

/** An unmap or free as the driver called it. */
export interface UnmapReference {
  readonly type: number;
  readonly address: number;
  readonly size: number;
  readonly dir: number;
  readonly attrs: number;
  /** CPU entries of a list, else 0. */
  readonly sgCalls: number;
  /** Physical address of the memory that is freed, -1 where the call doesn't say. */
  readonly phys: number;
}

/** `check_unmap` (spec D92): every finding that applies, in this order; then the entry goes, whatever was found. */
export function debugUnmap(debug: DmaDebug, dev: DebugDevice, ref: UnmapReference): void {
  if (debug.disabled) return;
  const { address, size, type, dir, sgCalls } = ref;
  const entry = debug.entries.findExact(dev.debugId, address, size, type, dir, sgCalls);
  if (entry === NONE) {
    reportUnknown(debug, dev, address, size);
    return;
  }
  debugUnmapEntry(debug, dev, entry, ref);
}

/** The same for a caller that knows which mapping is meant: a trace replay does, where a remapped address is ambiguous. */
export function debugUnmapEntry(debug: DmaDebug, dev: DebugDevice, entry: number, ref: UnmapReference): void {
  if (!isFlawless(debug, entry, ref)) {
    checkSameKind(debug, dev, entry, ref);
    checkSameUse(debug, dev, entry, ref);
  }
  debug.remove(entry);
}

/** None of E11 to E17 can apply: the usual case of single ranges, told by four compares instead of all the checks. */
function isFlawless(debug: DmaDebug, entry: number, ref: UnmapReference): boolean {
  const { entries } = debug;
  return (
    ref.type === EntryType.PHY &&
    entries.is(entry, EntryType.PHY, ref.dir, CheckState.CHECKED) &&
    entries.size[entry] === ref.size &&
    ((entries.attrs[entry] ^ ref.attrs) & MUST_REPEAT) === 0
  );
}

/** `get_nr_mapped_entries`: how many entries the list's first segment says there are, 0 if it isn't found (spec D90). */
export function mappedEntries(debug: DmaDebug, dev: DebugDevice, ref: UnmapReference): number {
  const { address, size, type, dir, sgCalls } = ref;
  const entry = debug.entries.findExact(dev.debugId, address, size, type, dir, sgCalls);
  return entry === NONE ? 0 : debug.entries.sgMapped(entry);
}

/** E9 and E10. An ambiguous match counts as none (spec T28). */
export function reportUnknown(debug: DmaDebug, dev: DebugDevice, address: number, size: number): void {
  if (address < 0) {
    debug.report('E9', dev, 'device driver tries to free an invalid DMA memory address', address);
    return;
  }
  const text = `device driver tries to free DMA memory it has not allocated ${operands(address, size)}`;
  debug.report('E10', dev, text, address);
}

/** E11 to E13: size, function, CPU address. */
function checkSameKind(debug: DmaDebug, dev: DebugDevice, entry: number, ref: UnmapReference): void {
  const { entries } = debug;
  const { address, size } = ref;
  if (entries.size[entry] !== size) {
    const sizes = `[map size=${entries.size[entry]} bytes] [unmap size=${size} bytes]`;
    const text = `device driver frees DMA memory with different size [device address=0x${hex(address)}] ${sizes}`;
    debug.report('E11', dev, text, address, entry);
  }
  const type = entries.type(entry);
  if (type !== ref.type) {
    const names = `[mapped as ${ENTRY_TYPE_NAMES[type]}] [unmapped as ${ENTRY_TYPE_NAMES[ref.type]}]`;
    debug.report(
      'E12',
      dev,
      `device driver frees DMA memory with wrong function ${operands(address, size)} ${names}`,
      address,
      entry,
    );
  } else if ((type === EntryType.COHERENT || type === EntryType.NONCOHERENT) && entries.phys[entry] !== ref.phys) {
    const phys = `[cpu alloc address=0x${hex(entries.phys[entry])}] [cpu free address=0x${hex(ref.phys)}]`;
    debug.report(
      'E13',
      dev,
      `device driver frees DMA memory with different CPU address ${operands(address, size)} ${phys}`,
      address,
      entry,
    );
  }
}

/** E14 to E17: list, direction, result check, attributes. */
function checkSameUse(debug: DmaDebug, dev: DebugDevice, entry: number, ref: UnmapReference): void {
  const { entries } = debug;
  const { address, size, sgCalls } = ref;
  if (ref.type === EntryType.SG && sgCalls !== 0 && entries.sgCalls(entry) !== sgCalls) {
    const counts = `[map count=${entries.sgCalls(entry)}] [unmap count=${sgCalls}]`;
    debug.report('E14', dev, `device driver frees DMA sg list with different entry count ${counts}`, address, entry);
  }
  if (entries.dir(entry) !== ref.dir) {
    const names = `[mapped with DMA_${directionName(entries.dir(entry))}] [unmapped with DMA_${directionName(ref.dir)}]`;
    debug.report(
      'E15',
      dev,
      `device driver frees DMA memory with different direction ${operands(address, size)} ${names}`,
      address,
      entry,
    );
  }
  if (entries.state(entry) === CheckState.NOT_CHECKED) {
    const name = `[mapped as ${ENTRY_TYPE_NAMES[entries.type(entry)]}]`;
    debug.report(
      'E16',
      dev,
      `device driver failed to check map error ${operands(address, size)} ${name}`,
      address,
      entry,
    );
  }
  if (((entries.attrs[entry] ^ ref.attrs) & MUST_REPEAT) !== 0) {
    const words = `[mapped with 0x${hex(entries.attrs[entry])}] [unmapped with 0x${hex(ref.attrs)}]`;
    debug.report(
      'E17',
      dev,
      `device driver frees DMA memory with different attributes ${operands(address, size)} ${words}`,
      address,
      entry,
    );
  }
}

function operands(address: number, size: number): string {
  return `[device address=0x${hex(address)}] [size=${size} bytes]`;
}
