import { PhysMemory } from '@dmalab/phys-memory';
import type { FunctionDescription } from '../config/function-description.ts';
import type { HostWindow } from '../fabric/host-bridge.ts';
import { PciFabric, type PciFabricOptions } from '../fabric/pci-fabric.ts';

/** Windows like those of a q35 machine: one below 4 GiB, one prefetchable far above; bus address = CPU address. */
export const Q35_WINDOWS: readonly HostWindow[] = [
  { kind: 'memory', cpuStart: 0xc000_0000, lengthBytes: 0x2000_0000 },
  { kind: 'prefetchable', cpuStart: 0x80_0000_0000, lengthBytes: 0x80_0000_0000 },
];

/** One host bridge with {@link Q35_WINDOWS}, whose function 00.0 is a q35 host bridge (8086:29c0). */
export function q35Fabric(options: Partial<PciFabricOptions> = {}): PciFabric {
  const fabric = new PciFabric({ memory: new PhysMemory(), hostBridges: [{ windows: Q35_WINDOWS }], ...options });
  fabric.rootBus.add(0, HOST_BRIDGE_FUNCTION);
  return fabric;
}

export const HOST_BRIDGE_FUNCTION: FunctionDescription = {
  vendor: 0x8086,
  device: 0x29c0,
  classCode: 0x06_0000,
  portType: 9,
};

/** An NVMe-like endpoint: 16 KiB of registers with an MSI-X table, and 1 MiB of memory in BAR 4. */
export const ENDPOINT: FunctionDescription = {
  vendor: 0x1b36,
  device: 0x0010,
  classCode: 0x01_0802,
  bars: [
    { index: 0, kind: 'memory64', sizeBytes: 0x4000 },
    { index: 4, kind: 'memory64', prefetchable: true, sizeBytes: 0x10_0000 },
  ],
  msix: { vectors: 8, bar: 0, tableOffset: 0x2000, pendingOffset: 0x3000 },
};
