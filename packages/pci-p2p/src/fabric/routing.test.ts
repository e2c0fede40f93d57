import { describe, expect, it } from 'vitest';
import { findExtendedCapability } from '../config/capability-walk.ts';
import { enumerateFabric } from '../host/enumerate.ts';
import { PciDevice } from '../host/pci-device.ts';
import {
  PCI_ACS_CR,
  PCI_ACS_DT,
  PCI_ACS_EC,
  PCI_ACS_EGRESS_CTL_V,
  PCI_ACS_RR,
  PCI_ACS_SV,
  PCI_ACS_TB,
  PCI_ACS_UF,
  PCI_EXT_CAP_ID_ACS,
} from '../spec/capability-ids.ts';
import { PCI_COMMAND } from '../spec/header.ts';
import { CONVENTIONAL_PCI, PCI_EXP_TYPE_PCI_BRIDGE } from '../spec/port-type.ts';
import { setAcs } from '../testing/acs.ts';
import { ENDPOINT, q35Fabric } from '../testing/machine.ts';
import { addEndpoint, addRootPort, addSwitch, below } from '../testing/topology.ts';
import { devfn } from './address.ts';
import type { MemoryBar } from './bar-handler.ts';
import { FAULT_ACS_VIOLATION, FAULT_TRANSLATION, FAULT_UNSUPPORTED_REQUEST } from './faults.ts';
import type { PciFabric } from './pci-fabric.ts';
import type { PciFunction } from './pci-function.ts';
import { requesterAliases } from './requester-alias.ts';

const ACS_ON = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF;
const BYTES = Uint8Array.from({ length: 64 }, (_, i) => i + 1);

/** Row 17 of T80: RP-US-{DS1-A, DS2-B}, enumerated, both endpoints enabled. */
function switched(routesPeers = true) {
  const fabric = q35Fabric({ routesPeers });
  const port = addRootPort(fabric.rootBus, 1);
  const { upstream, downstream } = addSwitch(port, 2);
  const [ds1, ds2] = downstream;
  const [a, b] = [addEndpoint(below(ds1)), addEndpoint(below(ds2))];
  enumerateFabric(fabric);
  for (const endpoint of [a, b]) new PciDevice(fabric, 0, endpoint.rid).enable();
  return { fabric, port, upstream, ds1, ds2, a, b, to: b.barBusAddress(4) };
}

function memoryOf(endpoint: PciFunction): Uint8Array {
  return (endpoint.handlers[4] as MemoryBar).bytes;
}

/** An IOMMU that maps one IOVA page to a physical address and nothing else. */
function attachIommu(fabric: PciFabric, iova: number, phys: number): number[] {
  const asked: number[] = [];
  fabric.hostBridges[0].iommu = {
    translate(sourceId, address) {
      asked.push(sourceId);
      return address >= iova && address < iova + 4096 ? phys + address - iova : -1;
    },
  };
  return asked;
}

describe('T81 a write from A to the bus address of B', () => {
  it('stays inside the switch without redirect, and the root complex sees nothing', () => {
    const { fabric, port, ds1, ds2, a, b, to } = switched();
    expect(a.port.write(to + 8, BYTES)).toBe(0);
    expect(memoryOf(b).slice(8, 72)).toEqual(BYTES);
    expect(ds1.link).toMatchObject({ upRequests: 1, upBytes: 64 });
    expect(ds2.link).toMatchObject({ downRequests: 1, downBytes: 64 });
    expect(port.link).toMatchObject({ upRequests: 0, downRequests: 0 });
    expect(fabric.hostBridges[0].traffic).toMatchObject({ toFunctions: 0, translated: 0 });
  });

  it('goes through the root complex and its IOMMU as soon as one ACS bit says so', () => {
    const { fabric, port, ds1, ds2, a, b, to } = switched();
    const asked = attachIommu(fabric, 0x7000_0000, to);
    setAcs(PCI_ACS_UF, port);
    setAcs(PCI_ACS_RR, ds1);
    expect(a.port.write(to, BYTES)).toBe(FAULT_TRANSLATION); // the bus address is no IOVA (spec T21)
    expect(a.port.write(0x7000_0000, BYTES)).toBe(0);
    expect(memoryOf(b).slice(0, 64)).toEqual(BYTES);
    expect(asked).toEqual([a.rid, a.rid]);
    expect(ds1.link).toMatchObject({ upRequests: 2, redirected: 1 });
    expect(port.link).toMatchObject({ upRequests: 2, downRequests: 1 });
    expect(ds2.link).toMatchObject({ downRequests: 1 });
    expect(fabric.hostBridges[0].traffic).toMatchObject({ translated: 2, faults: 1, toFunctions: 1 });
  });

  it('comes back down when redirected without an IOMMU, if the host forwards (T20, T21)', () => {
    const { fabric, port, ds1, ds2, a, b, to } = switched();
    setAcs(ACS_ON, port, ds1, ds2);
    expect(a.port.write(to, BYTES)).toBe(0);
    expect(memoryOf(b).slice(0, 64)).toEqual(BYTES);
    expect(port.link).toMatchObject({ upRequests: 1, downRequests: 1 });
    fabric.hostBridges[0].forwardsPeerRequests = false;
    expect(a.port.write(to, BYTES)).toBe(FAULT_UNSUPPORTED_REQUEST);
  });

  it('is dropped at the root port when redirected with upstream forwarding clear (T17)', () => {
    const { port, ds1, ds2, a, b, to } = switched();
    setAcs(ACS_ON, ds1, ds2);
    expect(a.port.write(to, BYTES)).toBe(FAULT_ACS_VIOLATION);
    expect(port.link.acsViolations).toBe(1);
    expect(memoryOf(b)[0]).toBe(0);
  });

  it('goes direct with DT when it is already translated, while the rest is still redirected (T16a, T22)', () => {
    const { port, ds1, a, to } = switched();
    setAcs(ACS_ON, port);
    setAcs(ACS_ON | PCI_ACS_DT, ds1);
    expect(a.port.writeTranslated(to, BYTES)).toBe(0);
    expect(port.link.upRequests).toBe(0);
    expect(a.port.write(to, BYTES)).toBe(0);
    expect(port.link.upRequests).toBe(1);
  });

  it.each([
    {
      control: PCI_ACS_EC,
      blocked: true,
      result: FAULT_ACS_VIOLATION,
      up: 0,
      what: 'drops with EC, the vector bit set and RR clear',
    },
    {
      control: PCI_ACS_EC | PCI_ACS_RR,
      blocked: true,
      result: 0,
      up: 1,
      what: 'redirects with EC, the vector bit and RR set',
    },
    {
      control: PCI_ACS_EC | PCI_ACS_RR,
      blocked: false,
      result: 0,
      up: 0,
      what: 'lets through with EC and the vector bit clear, whatever RR says',
    },
  ])('$what (T16b, T16c)', ({ control, blocked, result, up }) => {
    const { port, ds1, ds2, a, to } = switched();
    setAcs(PCI_ACS_UF, port);
    setAcs(control, ds1);
    const acs = findExtendedCapability(ds1.config, PCI_EXT_CAP_ID_ACS);
    ds1.writeConfig(acs + PCI_ACS_EGRESS_CTL_V, 4, blocked ? 1 << ds2.portNumber : 0);
    expect(a.port.write(to, BYTES)).toBe(result);
    expect(port.link.upRequests).toBe(up);
  });

  it('is dropped by source validation when its requester bus is forged (T16)', () => {
    const { ds1, a, b, to } = switched();
    setAcs(PCI_ACS_SV, ds1);
    a.forgedRequesterId = b.rid;
    expect(a.port.write(to, BYTES)).toBe(FAULT_ACS_VIOLATION);
    expect(ds1.link.acsViolations).toBe(1);
    a.forgedRequesterId = a.rid + 7; // another function on the same bus passes
    expect(a.port.write(to, BYTES)).toBe(0);
  });

  it('is dropped by translation blocking when it comes translated (T16)', () => {
    const { ds1, a, to } = switched();
    setAcs(PCI_ACS_TB, ds1);
    expect(a.port.writeTranslated(to, BYTES)).toBe(FAULT_ACS_VIOLATION);
    expect(a.port.write(to, BYTES)).toBe(0);
  });

  it('as a read has its completion redirected by CR at the peer (T18)', () => {
    const { ds2, a, b, to } = switched();
    memoryOf(b)[3] = 99;
    setAcs(PCI_ACS_CR, ds2);
    const into = new Uint8Array(4);
    expect(a.port.read(to, into)).toBe(0);
    expect(into[3]).toBe(99);
    expect(ds2.link.completionsRedirected).toBe(1);
  });

  it("in a fabric that routes no peers goes to the root complex whatever ACS says (T61 B')", () => {
    const { fabric, a, to } = switched(false);
    attachIommu(fabric, 0, 0);
    expect(a.port.write(to, BYTES)).toBe(FAULT_TRANSLATION);
  });
});

describe('routing', () => {
  it('T21 an IOVA that falls in a peer window reaches the wrong peer while redirect is off', () => {
    const { fabric, ds1, port, a, b, to } = switched();
    attachIommu(fabric, to, 0x5000);
    a.port.write(to, BYTES);
    expect(memoryOf(b)[0]).toBe(1);
    setAcs(PCI_ACS_RR, ds1);
    setAcs(PCI_ACS_UF, port);
    a.port.write(to, BYTES);
    const into = new Uint8Array(64);
    fabric.memory.read(0x5000, into);
    expect(into).toEqual(BYTES);
  });

  it('T3 stops at a bridge whose bus master is clear, and claims nothing whose memory decode is clear', () => {
    const { ds1, a, b, to } = switched();
    b.writeConfig(PCI_COMMAND, 2, 4);
    expect(a.port.write(to, BYTES)).toBe(FAULT_UNSUPPORTED_REQUEST);
    ds1.writeConfig(PCI_COMMAND, 2, 2);
    expect(a.port.write(0x1000, BYTES)).toBe(FAULT_UNSUPPORTED_REQUEST);
  });

  it('T15 an inner switch knows only its own ports; the outer one delivers', () => {
    const fabric = q35Fabric();
    const outer = addSwitch(addRootPort(fabric.rootBus, 1), 2);
    const inner = addSwitch(outer.downstream[1], 2);
    const [a, c] = [addEndpoint(below(outer.downstream[0])), addEndpoint(below(inner.downstream[0]))];
    enumerateFabric(fabric);
    for (const endpoint of [a, c]) new PciDevice(fabric, 0, endpoint.rid).enable();
    expect(c.port.write(a.barBusAddress(4), BYTES)).toBe(0);
    expect(memoryOf(a).slice(0, 64)).toEqual(BYTES);
    expect(outer.downstream[1].link).toMatchObject({ upRequests: 1 });
    expect(outer.downstream[0].link).toMatchObject({ downRequests: 1 });
  });

  it('T19 turns around at a root port for two functions behind it, and not once RR is set', () => {
    const fabric = q35Fabric();
    const port = addRootPort(fabric.rootBus, 1);
    const [a0, a1] = [addEndpoint(below(port), 0), addEndpoint(below(port), 1)];
    enumerateFabric(fabric);
    for (const endpoint of [a0, a1]) new PciDevice(fabric, 0, endpoint.rid).enable();
    const to = a1.barBusAddress(4);
    a0.port.write(to, BYTES);
    expect(port.link).toMatchObject({ upRequests: 0 }); // inside the device
    setAcs(PCI_ACS_RR, a0);
    a0.port.write(to, BYTES);
    expect(port.link).toMatchObject({ upRequests: 1, downRequests: 1 });
    expect(fabric.hostBridges[0].traffic.toFunctions).toBe(0); // turned around
    setAcs(PCI_ACS_RR, port);
    a0.port.write(to, BYTES);
    expect(fabric.hostBridges[0].traffic.toFunctions).toBe(1);
  });

  it('T15 T20 peers below another root port are reached through the root complex, and its IOMMU', () => {
    const fabric = q35Fabric();
    const ports = [addRootPort(fabric.rootBus, 1), addRootPort(fabric.rootBus, 2)];
    const [a, b] = ports.map((port) => addEndpoint(below(port)));
    enumerateFabric(fabric);
    for (const endpoint of [a, b]) new PciDevice(fabric, 0, endpoint.rid).enable();
    const to = b.barBusAddress(4);
    expect(a.port.write(to, BYTES)).toBe(0);
    expect(fabric.hostBridges[0].traffic.toFunctions).toBe(1);
    expect(ports[1].link).toMatchObject({ downRequests: 1, downBytes: 64 });
    attachIommu(fabric, 0, 0);
    expect(a.port.write(to, BYTES)).toBe(FAULT_TRANSLATION);
  });

  it('T5 T21 with a window offset, the bus address reaches a peer only inside the fabric', () => {
    const offset = 0x10_0000_0000;
    const windows = [{ kind: 'memory' as const, cpuStart: 0xc000_0000 + offset, lengthBytes: 0x2000_0000, offset }];
    const fabric = q35Fabric({ hostBridges: [{ windows }] });
    const { downstream } = addSwitch(addRootPort(fabric.rootBus, 1), 2);
    const [a, b] = downstream.map((port) => addEndpoint(below(port)));
    enumerateFabric(fabric);
    const devices = [a, b].map((endpoint) => new PciDevice(fabric, 0, endpoint.rid));
    for (const device of devices) device.enable();
    expect(devices[1].resourceStart(4)).toBe(b.barBusAddress(4) + offset);
    expect(a.port.write(b.barBusAddress(4), BYTES)).toBe(0);
    expect(memoryOf(b)[0]).toBe(1);
    memoryOf(b).fill(0);
    expect(a.port.write(devices[1].resourceStart(4), BYTES)).toBe(0); // no window inside matches: through the root complex
    expect(downstream[1].link.downRequests).toBe(2);
  });

  it('pulling a port out takes everything below with it', () => {
    const { fabric, port, a } = switched();
    fabric.rootBus.remove(port);
    expect(a.port.write(0x1000, BYTES)).toBeLessThan(0);
    expect(fabric.functions()).toHaveLength(1);
  });
});

describe('H8 requester ids', () => {
  const BRIDGE = { vendor: 0x1b36, device: 0x000e, classCode: 0x06_0400 };

  it.each([
    { what: 'a PCIe-to-PCI bridge on the root bus', under: false, portType: PCI_EXP_TYPE_PCI_BRIDGE, id: 0x0100 },
    { what: 'a PCIe-to-PCI bridge below a root port', under: true, portType: PCI_EXP_TYPE_PCI_BRIDGE, id: 0x0200 },
    { what: 'a conventional bridge on the root bus', under: false, portType: CONVENTIONAL_PCI, id: 0x0028 },
  ])('$what gives $id', ({ under, portType, id }) => {
    const fabric = q35Fabric();
    const bus = under ? below(addRootPort(fabric.rootBus, 5)) : fabric.rootBus;
    const conventionalBridge = portType === CONVENTIONAL_PCI;
    const bridge = bus.add(under ? 0 : devfn(5), { ...BRIDGE, portType, conventionalBridge });
    const endpoint = below(bridge).add(devfn(2), { ...ENDPOINT, portType: CONVENTIONAL_PCI });
    enumerateFabric(fabric);
    new PciDevice(fabric, 0, endpoint.rid).enable();
    const asked = attachIommu(fabric, 0, 0x10_0000);
    expect(endpoint.port.write(0x10, BYTES)).toBe(0);
    expect(asked).toEqual([id]);
    expect(requesterAliases(endpoint)).toEqual([endpoint.rid, id]);
  });
});
