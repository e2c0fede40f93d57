import type { FunctionDescription } from '@dmalab/pci-p2p';

/** BAR0 holds registers and doorbells below, the MSI-X table and its pending bits above. */
const BAR0_BYTES = 0x4000;
const MSIX_TABLE = 0x2000;
const MSIX_PENDING = 0x3000;
const CMB_BAR = 2;
const PMR_BAR = 4;

/** What a function has besides its registers. */
export interface NvmeFunctionOptions {
  /** What it interrupts with, the wire being INTA. Default: MSI-X. */
  readonly interrupts?: 'msix' | 'msi' | 'wire';
  /** Persistent memory region, which becomes BAR 4. Default 0: none. */
  readonly pmrBytes?: number;
}

/**
 * The PCI function of an NVMe controller (class 010802): `fabric.rootBus.add(devfn(3), nvmeFunction())`, then the
 * controller on its port, then `fn.attach(0, controller)`.
 *
 * @param vectors 1 to 256 with MSI-X, a power of two up to 32 with MSI: those of the controller's options
 * @param cmbBytes controller memory buffer, which becomes BAR 2
 */
export function nvmeFunction(vectors = 65, cmbBytes = 0, options: NvmeFunctionOptions = {}): FunctionDescription {
  const { interrupts = 'msix', pmrBytes = 0 } = options;
  const memories = [
    { index: CMB_BAR, kind: 'memory64', prefetchable: true, sizeBytes: cmbBytes },
    { index: PMR_BAR, kind: 'memory64', prefetchable: true, sizeBytes: pmrBytes },
  ] as const;
  return {
    vendor: 0x1b36,
    device: 0x0010,
    classCode: 0x01_0802,
    bars: [{ index: 0, kind: 'memory64', sizeBytes: BAR0_BYTES }, ...memories.filter(({ sizeBytes }) => sizeBytes > 0)],
    ...interruptsOf(interrupts, vectors),
  };
}

function interruptsOf(kind: 'msix' | 'msi' | 'wire', vectors: number): Partial<FunctionDescription> {
  if (kind === 'msi') return { msi: { vectors } };
  if (kind === 'wire') return { interruptPin: 1 };
  return { msix: { vectors, bar: 0, tableOffset: MSIX_TABLE, pendingOffset: MSIX_PENDING } };
}
