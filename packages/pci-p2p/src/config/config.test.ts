import { describe, expect, it } from 'vitest';
import { devfn } from '../fabric/address.ts';
import { enumerateFabric } from '../host/enumerate.ts';
import { PciDevice } from '../host/pci-device.ts';
import * as C from '../spec/capability-ids.ts';
import * as H from '../spec/header.ts';
import { CONVENTIONAL_PCI, PCI_EXP_TYPE_DOWNSTREAM, PCI_EXP_TYPE_ROOT_PORT } from '../spec/port-type.ts';
import { ENDPOINT, q35Fabric } from '../testing/machine.ts';
import { memoryWindow, prefetchableWindow } from './bridge-windows.ts';
import { buildConfigSpace } from './build-config.ts';
import {
  extendedCapabilities,
  findCapability,
  findExtendedCapability,
  standardCapabilities,
} from './capability-walk.ts';
import { ConfigSpace } from './config-space.ts';
import { PciDescriptionError } from './errors.ts';
import type { FunctionDescription } from './function-description.ts';

const FULL: FunctionDescription = {
  vendor: 0x1234,
  device: 0x5678,
  classCode: 0x01_0802,
  revision: 3,
  subsystem: { vendor: 0xaaaa, device: 0xbbbb },
  bars: [
    { index: 0, kind: 'memory64', sizeBytes: 0x4000 },
    { index: 2, kind: 'memory32', prefetchable: true, sizeBytes: 0x1_0000 },
    { index: 3, kind: 'io', sizeBytes: 0x20 },
    { index: 4, kind: 'memory64', prefetchable: true, sizeBytes: 2 ** 33 },
  ],
  msi: { vectors: 4, maskable: true },
  msix: { vectors: 33, bar: 0, tableOffset: 0x2000, pendingOffset: 0x3000 },
  acs: { capability: 0x0a5f | C.PCI_ACS_EC },
  ats: { queueDepth: 32 },
  pasid: { width: 20, execute: true },
  pri: { maxRequests: 64 },
  sriov: { totalVfs: 8, firstVfOffset: 1, vfStride: 1 },
  vendorCapabilities: [Uint8Array.of(0x11, 0x22)],
};

describe('config space of a described function', () => {
  const config = buildConfigSpace(FULL, devfn(5));

  it.each([
    { what: 'T3 identity', offset: 0x00, bytes: [0x34, 0x12, 0x78, 0x56, 0, 0, 0x10, 0, 3, 0x02, 0x08, 0x01] },
    { what: 'T4 subsystem', offset: 0x2c, bytes: [0xaa, 0xaa, 0xbb, 0xbb] },
    { what: 'T5 BAR 0 and 1: 64-bit', offset: 0x10, bytes: [0x04, 0, 0, 0, 0, 0, 0, 0] },
    { what: 'T5 BAR 2: 32-bit prefetchable; BAR 3: I/O', offset: 0x18, bytes: [0x08, 0, 0, 0, 0x01, 0, 0, 0] },
    { what: 'T5 BAR 4: 64-bit prefetchable', offset: 0x20, bytes: [0x0c] },
    { what: 'T8 PCIe version 2, endpoint', offset: findCapability(config, 0x10) + 2, bytes: [0x02, 0x00] },
    { what: 'T8 MSI: 4 vectors, 64-bit, maskable', offset: findCapability(config, 0x05) + 2, bytes: [0x84, 0x01] },
    {
      what: 'T8 MSI-X: 33 vectors, table and PBA',
      offset: findCapability(config, 0x11) + 2,
      bytes: [32, 0, 0, 0x20, 0, 0, 0, 0x30, 0, 0],
    },
    { what: 'vendor capability', offset: findCapability(config, 0x09) + 2, bytes: [5, 0x11, 0x22] },
    { what: 'T9 ACS', offset: findExtendedCapability(config, 0x0d) + 4, bytes: [0x7f, 0x0a, 0, 0] },
    {
      what: 'T10 ATS: depth 32 reads 0, page aligned',
      offset: findExtendedCapability(config, 0x0f) + 4,
      bytes: [0x20, 0, 0, 0],
    },
    { what: 'T10 PASID: width 20, exec', offset: findExtendedCapability(config, 0x1b) + 4, bytes: [0x02, 20] },
  ])('$what', ({ offset, bytes }) => {
    expect([...config.bytes.slice(offset, offset + bytes.length)]).toEqual(bytes);
  });

  it('T7 chains what it has, and nothing else', () => {
    expect(standardCapabilities(config).map(({ id }) => id)).toEqual([0x01, 0x05, 0x10, 0x11, 0x09]);
    expect(extendedCapabilities(config).map(({ id }) => id)).toEqual([0x0d, 0x0f, 0x13, 0x1b, 0x10]);
  });

  it.each([
    { offset: 0x10, sized: 0xffff_c004 },
    { offset: 0x14, sized: 0xffff_ffff },
    { offset: 0x18, sized: 0xffff_0008 },
    { offset: 0x1c, sized: 0xffff_ffe1 },
    { offset: 0x20, sized: 0x0000_000c },
    { offset: 0x24, sized: 0xffff_fffe },
  ])('T5 sizing the register at $offset reads $sized', ({ offset, sized }) => {
    const fresh = buildConfigSpace(FULL, 0);
    fresh.write(offset, 4, 0xffff_ffff);
    expect(fresh.read(offset, 4)).toBe(sized);
  });

  it('keeps software from changing what it may not, and clears status bits by writing 1', () => {
    const fresh = buildConfigSpace(FULL, 0);
    for (let offset = 0; offset < 4096; offset += 4) fresh.write(offset, 4, 0xffff_ffff);
    expect(fresh.read(H.PCI_VENDOR_ID, 4)).toBe(0x5678_1234);
    expect(fresh.read(H.PCI_COMMAND, 2)).toBe(0x0407);
    expect(extendedCapabilities(fresh)).toEqual(extendedCapabilities(config));
    fresh.set(H.PCI_STATUS, 2, 0x2010);
    fresh.write(H.PCI_STATUS, 2, 0x2000);
    expect(fresh.read(H.PCI_STATUS, 2)).toBe(0x0010);
  });
});

describe('T7 capability lists', () => {
  it('end although they loop, or the function is gone', () => {
    const loop = new ConfigSpace(256);
    loop.set(H.PCI_STATUS, 2, 0x10);
    loop.set(H.PCI_CAPABILITY_LIST, 1, 0x43);
    loop.set(0x40, 2, 0x4009);
    expect(standardCapabilities(loop)).toHaveLength(48);
    expect(extendedCapabilities(loop)).toEqual([]);
    expect(standardCapabilities({ read: (_offset, width) => 2 ** (8 * width) - 1 })).toEqual([]);
    const ring = new ConfigSpace();
    ring.set(0x100, 4, 0x1001_0001);
    expect(extendedCapabilities(ring)).toHaveLength(960);
  });

  it('conventional functions have 256 bytes and read ones above', () => {
    const config = buildConfigSpace({ vendor: 1, device: 2, portType: CONVENTIONAL_PCI }, 0);
    expect(config.sizeBytes).toBe(256);
    expect(config.read(0x100, 4)).toBe(0xffff_ffff);
    config.write(0x100, 4, 0);
    expect(findCapability(config, C.PCI_CAP_ID_EXP)).toBe(0);
  });
});

describe('T6 bridge windows', () => {
  it('read as closed after reset, and as written: 1 MiB steps, upper halves for the prefetchable one', () => {
    const config = buildConfigSpace({ vendor: 1, device: 2, portType: PCI_EXP_TYPE_ROOT_PORT }, 0);
    expect([memoryWindow(config), prefetchableWindow(config)]).toEqual([
      { start: 0, end: 0 },
      { start: 0, end: 0 },
    ]);
    config.write(H.PCI_MEMORY_BASE, 4, 0xfe1f_fe00);
    config.write(H.PCI_PREF_MEMORY_BASE, 4, 0x0011_0001);
    config.write(H.PCI_PREF_BASE_UPPER32, 4, 0x80);
    config.write(H.PCI_PREF_LIMIT_UPPER32, 4, 0x80);
    expect(memoryWindow(config)).toEqual({ start: 0xfe00_0000, end: 0xfe20_0000 });
    expect(prefetchableWindow(config)).toEqual({ start: 0x80_0000_0000, end: 0x80_0020_0000 });
    expect(config.read(H.PCI_PREF_MEMORY_BASE, 2) & 0xf).toBe(1);
  });
});

describe('descriptions that no hardware could have', () => {
  it.each<[string, Partial<FunctionDescription>]>([
    ['BAR 5: there are 6', { bars: [{ index: 5, kind: 'memory64', sizeBytes: 4096 }] }],
    [
      'BAR 2: there are 2',
      { portType: PCI_EXP_TYPE_DOWNSTREAM, bars: [{ index: 2, kind: 'memory32', sizeBytes: 4096 }] },
    ],
    [
      'BAR 0: 100 bytes is not a power of two of at least 16',
      { bars: [{ index: 0, kind: 'memory32', sizeBytes: 100 }] },
    ],
    ['BAR 0: 4294967296 bytes need a 64-bit BAR', { bars: [{ index: 0, kind: 'memory32', sizeBytes: 2 ** 32 }] }],
    ['MSI-X: 0 vectors', { msix: { vectors: 0, bar: 0, tableOffset: 0 } }],
    ['MSI-X: table and pending bits end at 0x18 of BAR 1', { msix: { vectors: 1, bar: 1, tableOffset: 0 } }],
    ['extended capabilities need PCI Express', { portType: CONVENTIONAL_PCI, ats: {} }],
    ['a conventional bridge has no port type, got 0', { conventionalBridge: true, portType: 0 }],
  ])('%s', (message, change) => {
    const description = { vendor: 1, device: 2, ...change };
    expect(() => buildConfigSpace(description, 0)).toThrow(PciDescriptionError);
    expect(() => buildConfigSpace(description, 0)).toThrow(message);
  });
});

describe('T8 MSI', () => {
  it('puts the vector into the low bits of the data that software gave', () => {
    const fabric = q35Fabric();
    const endpoint = fabric.rootBus.add(devfn(4), { ...ENDPOINT, portType: 9, msi: { vectors: 8 } });
    enumerateFabric(fabric);
    new PciDevice(fabric, 0, endpoint.rid).enable();
    const at = findCapability(endpoint.config, C.PCI_CAP_ID_MSI);
    const pairs = Array.from({ length: 4 }, () => fabric.interrupts.allocate());
    endpoint.writeConfig(at + 4, 4, fabric.interrupts.address(pairs[0]));
    endpoint.writeConfig(at + 12, 2, fabric.interrupts.data(pairs[0]));
    endpoint.port.interrupt(1);
    expect(fabric.interrupts.take(pairs[1])).toBe(false);
    endpoint.writeConfig(at + 2, 2, 0x21); // enabled, 4 of the 8 vectors
    endpoint.port.interrupt(1);
    endpoint.port.interrupt(7);
    expect(pairs.map((pair) => fabric.interrupts.take(pair))).toEqual([false, true, false, true]);
    expect(fabric.interrupts.spurious).toBe(0);
  });
});
