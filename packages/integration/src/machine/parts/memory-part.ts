import type { EncryptionForms, SharedMemoryControl } from '@dmalab/dma-api';
import type { FabricMemory } from '@dmalab/pci-p2p';
import {
  type AddressRange,
  type ByteAccess,
  CacheMaintenance,
  ConfidentialDeviceView,
  CpuCache,
  PhysMemory,
  SharedPages,
} from '@dmalab/phys-memory';
import type { MachineHooks } from '../hooks.ts';
import type { MachineDescription } from '../machine-description.ts';

/** The address bit that marks private memory of a SEV guest, where AMD's CPUs have it (spec P60). */
const SEV_BIT = 2 ** 51;

/** One memory, and who sees what of it. */
export interface MemoryPart {
  readonly memory: PhysMemory;
  /** What programs see: through their CPU's cache where devices don't look into it. */
  readonly cpu: ByteAccess;
  /** What devices see: ciphertext where a guest didn't share its memory. */
  readonly device: FabricMemory;
  readonly cache: CacheMaintenance | null;
  readonly shared: SharedMemoryControl | null;
  readonly encryption: EncryptionForms;
}

/**
 * Kernel structures (rings, descriptor pools, bounce slots) are read and written in memory itself: on a non-coherent
 * machine the kernel maps them uncached. Data buffers go through `cpu`.
 */
export function buildMemory(
  { coherent, confidential }: MachineDescription,
  ram: readonly AddressRange[],
  hooks?: MachineHooks,
): MemoryPart {
  const memory = new PhysMemory({ spans: ram });
  const cpuCache = coherent ? null : (hooks?.cpuCache(memory) ?? new CpuCache(memory));
  const shared = confidential === 'sev' ? new SharedPages(memory) : null;
  return {
    memory,
    cpu: cpuCache ?? memory,
    device: shared === null ? memory : new ConfidentialDeviceView(memory, shared),
    cache: cpuCache === null ? null : new CacheMaintenance(cpuCache),
    shared,
    encryption: { bit: shared === null ? 0 : SEV_BIT, bitMarks: 'private' },
  };
}
