import type { SwiotlbDevice } from '../device.ts';
import type { SwiotlbPool } from '../pool/pool.ts';
import type { SwiotlbMessages } from './messages.ts';

/** Memory encryption of the machine: none, a confidential guest, or a host that encrypts its own memory. */
export type MemoryEncryption = 'none' | 'guest' | 'host';

/**
 * Whether a device may bounce through a pool: in a guest the pool must be of the kind that the device needs, on a host
 * it must be shared. A refused mapping fails without a message (spec S102).
 */
export function mayBounce(
  encryption: MemoryEncryption,
  device: SwiotlbDevice,
  pool: SwiotlbPool,
  messages: SwiotlbMessages,
): boolean {
  if (encryption === 'none') return true;
  messages.encrypted(device);
  return pool.shared === (encryption === 'host' || (device.needsUnencrypted ?? false));
}
