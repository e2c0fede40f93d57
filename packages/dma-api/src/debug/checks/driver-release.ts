import { directionName } from '../../types/direction.ts';
import { hex } from '../../types/hex.ts';
import type { DebugDevice } from '../debug-device.ts';
import type { DmaDebug } from '../dma-debug.ts';
import { ENTRY_TYPE_NAMES } from '../store/entry-type.ts';

/**
 * E24: a driver lets go of a device on a watched bus while mappings of it live. The mapping that the report names is the
 * last one in dump order.
 *
 * @returns live mappings of the device
 */
export function debugDriverReleased(debug: DmaDebug, dev: DebugDevice): number {
  if (debug.disabled) return 0;
  const { entries } = debug;
  const live = entries.live().filter((entry) => entries.device[entry] === dev.debugId);
  const last = live.at(-1);
  if (last === undefined) return 0;
  const details = [
    `[device address=0x${hex(entries.address[last])}] [size=${entries.size[last]} bytes]`,
    `[mapped with DMA_${directionName(entries.dir(last))}] [mapped as ${ENTRY_TYPE_NAMES[entries.type(last)]}]`,
  ];
  const text = `device driver has pending DMA allocations while released from device [count=${live.length}]`;
  debug.report('E24', dev, `${text}; one of them: ${details.join(' ')}`, entries.address[last], last);
  return live.length;
}
