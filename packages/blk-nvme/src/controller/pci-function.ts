import type { FunctionDescription } from '@dmalab/pci-p2p';

/** BAR0 holds registers and doorbells below, the MSI-X table and its pending bits above. */
const BAR0_BYTES = 0x4000;
const MSIX_TABLE = 0x2000;
const MSIX_PENDING = 0x3000;
const CMB_BAR = 2;

/**
 * The PCI function of an NVMe controller (class 010802): `fabric.rootBus.add(devfn(3), nvmeFunction())`, then the
 * controller on its port, then `fn.attach(0, controller)`.
 *
 * @param vectors 1 to 256 with MSI-X, a power of two up to 32 with MSI: those of the controller's options
 * @param cmbBytes controller memory buffer, which becomes BAR 2
 * @param interrupts what it interrupts with, the wire being INTA
 */
export function nvmeFunction(
  vectors = 65,
  cmbBytes = 0,
  interrupts: 'msix' | 'msi' | 'wire' = 'msix',
): FunctionDescription {
  const registers = { index: 0, kind: 'memory64', sizeBytes: BAR0_BYTES } as const;
  const cmb = { index: CMB_BAR, kind: 'memory64', prefetchable: true, sizeBytes: cmbBytes } as const;
  return {
    vendor: 0x1b36,
    device: 0x0010,
    classCode: 0x01_0802,
    bars: cmbBytes > 0 ? [registers, cmb] : [registers],
    ...interruptsOf(interrupts, vectors),
  };
}

function interruptsOf(kind: 'msix' | 'msi' | 'wire', vectors: number): Partial<FunctionDescription> {
  if (kind === 'msi') return { msi: { vectors } };
  if (kind === 'wire') return { interruptPin: 1 };
  return { msix: { vectors, bar: 0, tableOffset: MSIX_TABLE, pendingOffset: MSIX_PENDING } };
}
