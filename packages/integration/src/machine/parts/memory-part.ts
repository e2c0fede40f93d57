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
import type { ConfidentialKind, MachineDescription } from '../machine-description.ts';
import { RealmDeviceView } from './realm-view.ts';

/**
 * How addresses of private and shared memory differ (spec P60, P63): SEV marks private memory where AMD's CPUs have the
 * bit, a realm of 48 address bits marks shared memory at its top, and TDX keeps the attribute in page tables alone.
 */
const FORMS: Readonly<Record<ConfidentialKind, EncryptionForms>> = {
  none: { bit: 0, bitMarks: 'private' },
  sev: { bit: 2 ** 51, bitMarks: 'private' },
  tdx: { bit: 0, bitMarks: 'private' },
  cca: { bit: 2 ** 47, bitMarks: 'shared' },
};

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
  const shared = confidential === 'none' ? null : new SharedPages(memory);
  return {
    memory,
    cpu: cpuCache ?? memory,
    device: shared === null ? memory : deviceView(memory, shared, confidential),
    cache: cpuCache === null ? null : new CacheMaintenance(cpuCache),
    shared,
    encryption: FORMS[confidential],
  };
}

function deviceView(memory: PhysMemory, shared: SharedPages, kind: ConfidentialKind): FabricMemory {
  return kind === 'cca'
    ? new RealmDeviceView(memory, shared, FORMS.cca.bit)
    : new ConfidentialDeviceView(memory, shared);
}
