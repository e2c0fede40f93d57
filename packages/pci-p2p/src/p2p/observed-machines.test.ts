import { describe, expect, it } from 'vitest';
import { pciAcsEnabled } from '../acs/acs-enabled.ts';
import { pciEnableAcs } from '../acs/enable-acs.ts';
import { devfn } from '../fabric/address.ts';
import type { PciBus } from '../fabric/pci-bus.ts';
import type { PciFabric } from '../fabric/pci-fabric.ts';
import type { PciFunction } from '../fabric/pci-function.ts';
import { enumerateFabric } from '../host/enumerate.ts';
import { PCI_EXP_TYPE_DOWNSTREAM, PCI_EXP_TYPE_ROOT_PORT, PCI_EXP_TYPE_UPSTREAM } from '../spec/port-type.ts';
import { ENDPOINT, q35Fabric } from '../testing/machine.ts';
import { ACS_5F, below } from '../testing/topology.ts';
import type { KernelMessage } from './kernel-messages.ts';
import { mapTypeName } from './map-type.ts';
import { pciClient } from './p2p-function.ts';
import { P2pdma } from './p2pdma.ts';

const PORT = { vendor: 0x1b36, device: 0x000c, classCode: 0x06_0400 };
const SWITCH = { vendor: 0x104c, device: 0x8232, classCode: 0x06_0400 };

/** QEMU's parts: root ports offer ACS 0x5f, xio3130 switch ports none, NVMe functions none (spec T45). */
function rootPort({ rootBus }: PciFabric, device: number): PciBus {
  return below(rootBus.add(devfn(device), { ...PORT, portType: PCI_EXP_TYPE_ROOT_PORT, acs: ACS_5F }));
}

const TOPOLOGIES: Record<string, (fabric: PciFabric) => readonly [provider: PciFunction, client: PciFunction]> = {
  A: ({ rootBus }) => [
    rootBus.add(devfn(4), { ...ENDPOINT, portType: 9 }),
    rootBus.add(devfn(5), { ...ENDPOINT, portType: 9 }),
  ],
  B: (fabric) => {
    const upstream = rootPort(fabric, 6).add(0, { ...SWITCH, portType: PCI_EXP_TYPE_UPSTREAM });
    const [first, second] = [0, 1].map((device) =>
      below(upstream).add(devfn(device), { ...SWITCH, portType: PCI_EXP_TYPE_DOWNSTREAM }),
    );
    return [below(first).add(0, ENDPOINT), below(second).add(0, ENDPOINT)];
  },
  C: (fabric) => {
    const bus = rootPort(fabric, 6);
    return [bus.add(0, ENDPOINT), bus.add(1, ENDPOINT)];
  },
  D: (fabric) => [rootPort(fabric, 6).add(0, ENDPOINT), rootPort(fabric, 7).add(0, ENDPOINT)],
};

const REDIR_OFF = '0000:00:06.0';

describe('T61 machines that were observed', () => {
  it.each([
    { id: 'A', iommu: false, isZen: false, self: 'BUS_ADDR', other: 'NOT_SUPPORTED', distance: 2, logs: 'L4' },
    { id: 'B', iommu: false, isZen: false, self: 'BUS_ADDR', other: 'BUS_ADDR', distance: 4, logs: '' },
    { id: "B'", iommu: true, isZen: false, self: 'BUS_ADDR', other: 'BUS_ADDR', distance: 4, logs: '' },
    { id: 'C1', iommu: false, isZen: false, self: 'BUS_ADDR', other: 'BUS_ADDR', distance: 2, logs: '' },
    { id: 'C2', iommu: true, isZen: false, self: 'BUS_ADDR', other: 'NOT_SUPPORTED', distance: 2, logs: 'L1 L2 L3 L4' },
    { id: 'C3', iommu: true, isZen: true, self: 'BUS_ADDR', other: 'THRU_HOST_BRIDGE', distance: 2, logs: 'L1 L2' },
    { id: 'C4', iommu: true, isZen: false, self: 'BUS_ADDR', other: 'BUS_ADDR', distance: 2, logs: 'L5 L5' },
    { id: 'D1', iommu: false, isZen: true, self: 'BUS_ADDR', other: 'THRU_HOST_BRIDGE', distance: 4, logs: '' },
    { id: 'D2', iommu: true, isZen: true, self: 'BUS_ADDR', other: 'THRU_HOST_BRIDGE', distance: 4, logs: '' },
  ])(
    '$id: self $self, other $other at $distance, printing "$logs"',
    ({ id, iommu, isZen, self, other, distance, logs }) => {
      const fabric = q35Fabric();
      const [provider, client] = TOPOLOGIES[id[0]](fabric);
      enumerateFabric(fabric);
      const printed: KernelMessage[] = [];
      const log = (message: KernelMessage) => void printed.push(message);
      const list = id === 'C4' ? { disableAcsRedir: REDIR_OFF } : {};
      // Twice: when the function is configured for DMA, and when its saved state is restored.
      for (const fn of [...fabric.functions(), ...fabric.functions()])
        pciEnableAcs(fn, { requested: iommu, log, ...list });
      const p2p = new P2pdma({ isZen, log });
      p2p.pcimP2pdmaInit(provider);
      const record = p2p.pcimP2pdmaProvider(provider, 4);
      const typeFor = (fn: PciFunction) =>
        mapTypeName(record === null ? 0 : p2p.pciP2pdmaMapType(record, pciClient(fn)));
      expect([typeFor(provider), typeFor(client)]).toEqual([self, other]);
      expect(printed.map((message) => message.id).join(' ')).toBe(logs);
      const silent = new P2pdma({ isZen: true });
      expect(silent.pciP2pdmaDistance(provider, pciClient(client), false)).toBe(distance);
    },
  );

  it('T45 T49: the root port gets 0x1d with the IOMMU on, 0 with it off, and isolates only in the first case', () => {
    for (const [requested, control] of [
      [true, 0x1d],
      [false, 0],
    ] as const) {
      const fabric = q35Fabric();
      const { bridge } = rootPort(fabric, 6);
      if (bridge === null) throw new Error('a root port has a bus of its own');
      pciEnableAcs(bridge, { requested });
      expect(bridge.acsControl).toBe(control);
      expect(pciAcsEnabled(bridge, 0x1d)).toBe(requested);
    }
  });
});
