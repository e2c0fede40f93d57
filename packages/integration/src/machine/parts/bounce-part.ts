import type { AddressMap } from '@dmalab/phys-memory';
import { planBootPool, reserveBootPool, Swiotlb, SwiotlbPool } from '@dmalab/swiotlb';
import type { MachineHooks } from '../hooks.ts';
import type { MachineDescription } from '../machine-description.ts';
import type { MemoryPart } from './memory-part.ts';

/** Sets the machine's bounce pool up as boot does: plan, place, share (spec S11 to S22, S101). Null: no pool. */
export function buildSwiotlb(description: MachineDescription, map: AddressMap, part: MemoryPart, hooks?: MachineHooks) {
  const { platform, commandLine, cpus, confidential } = description;
  const isGuest = confidential !== 'none';
  const memoryEncryption = isGuest ? 'guest' : 'none';
  // `/proc/iomem` prints last bytes; the boot allocator counts to the byte after.
  const ram = map.ranges.filter(({ kind }) => kind === 'ram').map(({ start, end }) => ({ start, end: end + 1 }));
  const plan = planBootPool({ platform, commandLine, possibleCpus: cpus, ram, memoryEncryption });
  const { geometry } = reserveBootPool(plan, ram);
  if (geometry === null) return null;
  const pool = new SwiotlbPool({ ...geometry, shared: isGuest });
  part.shared?.setDecrypted(pool.start, pool.end - pool.start);
  const options = { memory: part.memory, pool, force: plan.force, memoryEncryption } as const;
  return { pool, swiotlb: hooks?.swiotlb(options) ?? new Swiotlb(options) };
}
