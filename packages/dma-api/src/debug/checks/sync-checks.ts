import { DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, DMA_TO_DEVICE, directionName } from '../../types/direction.ts';
import { hex } from '../../types/hex.ts';
import type { DebugDevice } from '../debug-device.ts';
import type { DmaDebug } from '../dma-debug.ts';
import { NONE } from '../store/entry-table.ts';
import { EntryType } from '../store/entry-type.ts';

/** A sync as the driver called it. */
export interface SyncReference {
  readonly type: number;
  readonly address: number;
  readonly size: number;
  readonly dir: number;
  /** CPU entries of a list, else 0. */
  readonly sgCalls: number;
  readonly forCpu: boolean;
}

/** `check_sync` (spec D93): single syncs look for type `single`, so a perfect score is impossible for them (spec T27). */
export function debugSync(debug: DmaDebug, dev: DebugDevice, ref: SyncReference): void {
  if (debug.disabled) return;
  const { entries } = debug;
  const { address, size, type, dir, sgCalls } = ref;
  const entry = entries.findContaining(dev.debugId, address, size, type, dir, sgCalls);
  const where = `[device address=0x${hex(address)}] [size=${size} bytes]`;
  if (entry === NONE) {
    debug.report('E18', dev, `device driver tries to sync DMA memory it has not allocated ${where}`, address);
    return;
  }
  if (size > entries.size[entry]) {
    const sizes = `[allocation size=${entries.size[entry]} bytes] [sync size=${size} bytes]`;
    debug.report(
      'E19',
      dev,
      `device driver syncs DMA memory outside allocated range ${where} ${sizes}`,
      address,
      entry,
    );
  }
  if (entries.dir(entry) === DMA_BIDIRECTIONAL) return;
  checkDirections(debug, dev, entry, ref, where);
  if (type === EntryType.SG && sgCalls !== 0 && entries.sgCalls(entry) !== sgCalls) {
    const counts = `[map count=${entries.sgCalls(entry)}] [sync count=${sgCalls}]`;
    debug.report('E23', dev, `device driver syncs DMA sg list with different entry count ${counts}`, address, entry);
  }
}

/** E20 to E22. */
function checkDirections(debug: DmaDebug, dev: DebugDevice, entry: number, ref: SyncReference, where: string): void {
  const mapped = debug.entries.dir(entry);
  const names = `[mapped with DMA_${directionName(mapped)}] [synced with DMA_${directionName(ref.dir)}]`;
  if (mapped !== ref.dir) {
    debug.report(
      'E20',
      dev,
      `device driver syncs DMA memory with different direction ${where} ${names}`,
      ref.address,
      entry,
    );
  }
  if (ref.forCpu && mapped !== DMA_FROM_DEVICE && ref.dir !== DMA_TO_DEVICE) {
    debug.report(
      'E21',
      dev,
      `device driver syncs device read-only DMA memory for cpu ${where} ${names}`,
      ref.address,
      entry,
    );
  }
  if (!ref.forCpu && mapped !== DMA_TO_DEVICE && ref.dir !== DMA_FROM_DEVICE) {
    debug.report(
      'E22',
      dev,
      `device driver syncs device write-only DMA memory to device ${where} ${names}`,
      ref.address,
      entry,
    );
  }
}
