import { IntelIommu, VTD_PRESETS, VtdUnit } from '@dmalab/iommu';
import { PhysMemory } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { findExtendedCapability } from '../config/capability-walk.ts';
import { enumerateFabric } from '../host/enumerate.ts';
import { PciDevice } from '../host/pci-device.ts';
import { PCI_ACS_DT, PCI_ACS_RR, PCI_ACS_UF, PCI_ATS_CTRL, PCI_EXT_CAP_ID_ATS } from '../spec/capability-ids.ts';
import { setAcs } from '../testing/acs.ts';
import { Q35_WINDOWS, q35Fabric } from '../testing/machine.ts';
import { addEndpoint, addRootPort, addSwitch, below } from '../testing/topology.ts';
import type { MemoryBar } from './bar-handler.ts';
import { FAULT_TRANSLATION } from './faults.ts';
import type { DmaRemapper } from './host-bridge.ts';
import type { PciFunction } from './pci-function.ts';

const BYTES = Uint8Array.of(1, 2, 3, 4);

/** An IOMMU that maps IOVA pages of a table, and counts what it is asked. */
class TableIommu implements DmaRemapper {
  readonly pages = new Map<number, number>();
  asked = 0;
  translated = 0;

  translate(_sourceId: number, address: number): number {
    const page = this.pages.get(address - (address % 4096));
    return page === undefined ? -1 : page + (address % 4096);
  }

  requestTranslation({ address }: { readonly address: number }) {
    this.asked++;
    const page = this.pages.get(address - (address % 4096));
    const allowed = page !== undefined;
    return { status: 'success' as const, readable: allowed, writable: allowed, address: page ?? 0 };
  }

  translateRequest({ address }: { readonly address: number }): number {
    this.translated++;
    return address;
  }
}

function enableAts(fn: PciFunction): void {
  const at = findExtendedCapability(fn.config, PCI_EXT_CAP_ID_ATS);
  fn.writeConfig(at + PCI_ATS_CTRL, 2, 0x8000);
}

function machine() {
  const iommu = new TableIommu();
  const fabric = q35Fabric({ memory: new PhysMemory(), hostBridges: [{ windows: Q35_WINDOWS, iommu }] });
  const port = addRootPort(fabric.rootBus, 1);
  const [ds1, ds2] = addSwitch(port, 2).downstream;
  const [client, peer] = [addEndpoint(below(ds1), 0, { ats: {} }), addEndpoint(below(ds2))];
  enumerateFabric(fabric);
  for (const { rid } of [client, peer]) new PciDevice(fabric, 0, rid).enable();
  enableAts(client);
  return { fabric, iommu, port, ds1, client, peer };
}

describe('T10 H11 address translation services', () => {
  it('asks once for a page, then sends the final address', () => {
    const { fabric, iommu, client } = machine();
    iommu.pages.set(0x7000_0000, 0x10_0000);
    expect(client.port.write(0x7000_0010, BYTES)).toBe(0);
    expect(client.port.write(0x7000_0020, BYTES)).toBe(0);
    const into = new Uint8Array(4);
    fabric.memory.read(0x10_0020, into);
    expect(into).toEqual(BYTES);
    expect([iommu.asked, iommu.translated]).toEqual([1, 2]);
  });

  it('keeps using what it cached until it is invalidated', () => {
    const { iommu, client } = machine();
    iommu.pages.set(0x7000_0000, 0x10_0000);
    client.port.write(0x7000_0000, BYTES);
    iommu.pages.clear();
    expect(client.port.write(0x7000_0000, BYTES)).toBe(0);
    expect(client.port.translations.invalidate(-1, 0x7000_0000, 4096)).toBe(true);
    expect(client.port.write(0x7000_0000, BYTES)).toBe(FAULT_TRANSLATION);
    expect(client.port.translations.invalidate(-1, 0, 2 ** 64)).toBe(true);
  });

  it('T22 goes straight to the peer at a port with DT, while untranslated requests are redirected', () => {
    const { fabric, iommu, port, ds1, client, peer } = machine();
    iommu.pages.set(0x7000_0000, peer.barCpuAddress(4));
    setAcs(PCI_ACS_UF, port);
    setAcs(PCI_ACS_RR | PCI_ACS_DT, ds1);
    expect(client.port.write(0x7000_0000, BYTES)).toBe(0);
    expect((peer.handlers[4] as MemoryBar).bytes.slice(0, 4)).toEqual(BYTES);
    expect(port.link.upRequests).toBe(0);
    expect(fabric.hostBridges[0].traffic.toFunctions).toBe(0);
  });

  it('sends interrupts untranslated', () => {
    const { fabric, iommu, client } = machine();
    const device = new PciDevice(fabric, 0, client.rid);
    device.enable();
    device.enableMsix(1);
    client.port.interrupt(0);
    expect(device.interruptPending(0)).toBe(true);
    expect(iommu.asked).toBe(0);
  });

  it('goes on untranslated with a VT-d unit whose entry for it does not allow ATS', () => {
    const memory = new PhysMemory();
    const unit = new VtdUnit({ memory, ...VTD_PRESETS.qemuLegacy });
    const fabric = q35Fabric({ memory, hostBridges: [{ windows: Q35_WINDOWS, iommu: unit }] });
    const client = addEndpoint(below(addRootPort(fabric.rootBus, 1)), 0, { ats: {} });
    enumerateFabric(fabric);
    new PciDevice(fabric, 0, client.rid).enable();
    enableAts(client);
    let next = 0x400_0000;
    const driver = new IntelIommu({
      registers: unit,
      memory,
      allocTablePage: () => (next += 4096),
      freeTablePage: () => {},
    });
    driver.enable();
    const domain = driver.createDomain();
    driver.attachDevice(client.rid, domain);
    domain.map(0x7000_0000, 0x10_0000, 4096, 3);
    expect(client.port.write(0x7000_0000, BYTES)).toBe(0);
    const into = new Uint8Array(4);
    memory.read(0x10_0000, into);
    expect(into).toEqual(BYTES);
    expect(client.port.writeTranslated(0x10_0000, BYTES)).toBe(FAULT_TRANSLATION);
  });
});
