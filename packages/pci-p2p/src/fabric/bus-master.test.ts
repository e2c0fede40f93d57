import { describe, expect, it } from 'vitest';
import { enumerateFabric } from '../host/enumerate.ts';
import { PciDevice } from '../host/pci-device.ts';
import { ENDPOINT, q35Fabric } from '../testing/machine.ts';
import { devfn } from './address.ts';
import { MemoryBar } from './bar-handler.ts';
import {
  FAULT_COMPLETER_ABORT,
  FAULT_NOT_BUS_MASTER,
  FAULT_REMOVED,
  FAULT_TRANSLATION,
  FAULT_UNSUPPORTED_REQUEST,
} from './faults.ts';

function machine() {
  const fabric = q35Fabric();
  const endpoint = fabric.rootBus.add(devfn(4), { ...ENDPOINT, portType: 9 });
  endpoint.attach(4, new MemoryBar(0x10_0000));
  const written: number[][] = [];
  endpoint.attach(0, {
    readRegister: (offset) => 0x1000 + offset,
    writeRegister: (offset, value) => void written.push([offset, value]),
  });
  enumerateFabric(fabric);
  const device = new PciDevice(fabric, 0, endpoint.rid);
  return { fabric, endpoint, device, written, memory: fabric.memory };
}

describe('a root-complex integrated endpoint', () => {
  it('T3 may not issue requests while bus master is clear', () => {
    const { endpoint } = machine();
    const bytes = new Uint8Array(4);
    expect(endpoint.port.read(0x1000, bytes)).toBe(FAULT_NOT_BUS_MASTER);
    expect(bytes).toEqual(new Uint8Array(4).fill(0xff));
  });

  it('T20 without an IOMMU reaches memory at the address it uses, across page borders in one piece', () => {
    const { endpoint, device, memory } = machine();
    device.enable();
    const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => i);
    expect(endpoint.port.write(0x1ff0, bytes, 0, bytes.length)).toBe(0);
    const back = new Uint8Array(10_000);
    memory.read(0x1ff0, back);
    expect(back).toEqual(bytes);
    expect(endpoint.port.read(0x1ff0 + 100, back, 5, 3)).toBe(0);
    expect([...back.slice(5, 8)]).toEqual([100, 101, 102]);
  });

  it('H1 translates each 4 KiB piece alone, joins neighbours, and stops at the first fault', () => {
    const { fabric, endpoint, device, memory } = machine();
    device.enable();
    const asked: number[] = [];
    fabric.hostBridges[0].iommu = {
      translate(sourceId, address) {
        asked.push(sourceId, address);
        return address < 0x3000 ? 0x10_0000 + address : -1;
      },
    };
    memory.write(0x10_1800, Uint8Array.of(1, 2, 3));
    const bytes = new Uint8Array(0x2000);
    expect(endpoint.port.read(0x1800, bytes)).toBe(FAULT_TRANSLATION);
    expect(asked).toEqual([0x20, 0x1800, 0x20, 0x2000, 0x20, 0x3000]);
    expect([...bytes.slice(0, 4)]).toEqual([1, 2, 3, 0]);
    expect(bytes[0x17ff]).toBe(0);
    expect(bytes[0x1800]).toBe(0xff);
    expect(fabric.hostBridges[0].traffic).toMatchObject({ translated: 3, faults: 1, toMemory: 2 });
  });

  it('T8 delivers a vector as a message that the driver finds by looking', () => {
    const { endpoint, device } = machine();
    device.enable();
    device.enableMsix(3);
    endpoint.port.interrupt(2);
    expect([0, 1, 2].map((vector) => device.interruptPending(vector))).toEqual([false, false, true]);
    expect(device.interruptPending(2)).toBe(false);
  });

  it('T8 keeps a masked vector pending and sends it when the mask is cleared', () => {
    const { fabric, endpoint, device } = machine();
    device.enable();
    device.enableMsix(2);
    const table = device.resourceStart(0) + 0x2000;
    fabric.writeMmio(table + 16 + 12, 1);
    endpoint.port.interrupt(1);
    expect(device.interruptPending(1)).toBe(false);
    expect(fabric.readMmio(device.resourceStart(0) + 0x3000)).toBe(2);
    fabric.writeMmio(table + 16 + 12, 0);
    expect(device.interruptPending(1)).toBe(true);
    expect(fabric.readMmio(device.resourceStart(0) + 0x3000)).toBe(0);
  });

  it('T8 gives MSI as many messages as were asked for, told apart by the low bits of their data', () => {
    const fabric = q35Fabric();
    const { msix: _none, ...plain } = ENDPOINT;
    const endpoint = fabric.rootBus.add(devfn(4), { ...plain, msi: { vectors: 8 } });
    enumerateFabric(fabric);
    const device = new PciDevice(fabric, 0, endpoint.rid);
    device.enable();
    expect([device.msixVectors(), device.msiVectors()]).toEqual([0, 8]);
    device.enableMsi(4);
    for (const vector of [1, 3]) endpoint.port.interrupt(vector);
    expect([0, 1, 2, 3].map((vector) => device.interruptPending(vector))).toEqual([false, true, false, true]);
    expect(fabric.interrupts.spurious).toBe(0);
  });

  it('pulls its wire while neither kind of message is enabled, nor the command register has it off', () => {
    const fabric = q35Fabric();
    const endpoint = fabric.rootBus.add(devfn(4), { ...ENDPOINT, interruptPin: 1 });
    enumerateFabric(fabric);
    const device = new PciDevice(fabric, 0, endpoint.rid);
    device.enable();
    expect(device.enableWire()).toBe(true);
    endpoint.port.wire(true);
    expect([device.interruptPending(0), device.interruptPending(0)]).toEqual([true, true]);
    const command = device.config.read(4, 2);
    device.config.write(4, 2, command | 0x400);
    expect(device.interruptPending(0)).toBe(false);
    device.config.write(4, 2, command);
    expect(device.interruptPending(0)).toBe(true);
    endpoint.port.wire(false);
    expect(device.interruptPending(0)).toBe(false);
    endpoint.port.wire(true);
    device.enableMsix(1);
    expect(fabric.wireAsserted(0, endpoint.rid)).toBe(false);
  });

  it('T3 T8 sends no message while bus master is clear', () => {
    const { endpoint, device } = machine();
    device.enable();
    device.enableMsix(1);
    device.disable();
    endpoint.port.interrupt(0);
    expect(device.interruptPending(0)).toBe(false);
  });

  it('H10 takes only a 4-byte write in the interrupt window', () => {
    const { endpoint, device } = machine();
    device.enable();
    expect(endpoint.port.read(0xfee0_0000, new Uint8Array(4))).toBe(FAULT_TRANSLATION);
    expect(endpoint.port.write(0xfee0_0000, new Uint8Array(8))).toBe(FAULT_TRANSLATION);
    expect(endpoint.port.write(0xfee0_0000, new Uint8Array(4))).toBe(0);
  });

  it('serves the CPU: registers through the backing, all ones where nothing answers', () => {
    const { fabric, device, written } = machine();
    device.enable();
    expect(device.readRegister(0x1c)).toBe(0x101c);
    device.writeRegister(0x14, 7);
    expect(written).toEqual([[0x14, 7]]);
    device.writeMemory(device.resourceStart(0) + 0x20, Uint8Array.of(9, 1, 2, 3, 4, 5, 6, 7, 8), 1, 8);
    expect(written.slice(1)).toEqual([
      [0x20, 0x0403_0201],
      [0x24, 0x0807_0605],
    ]);
    expect(fabric.readMmio(0xdfff_0000)).toBe(0xffff_ffff);
    expect(fabric.readConfig(0, 0x28, 0, 2)).toBe(0xffff);
    expect(fabric.readConfig(1, 0x20, 0, 4)).toBe(0xffff_ffff);
  });

  it('answers a window that nobody claims as unsupported, and an odd register access as completer abort', () => {
    const { endpoint, device } = machine();
    device.enable();
    expect(endpoint.port.write(0xdfff_0000, new Uint8Array(4))).toBe(FAULT_UNSUPPORTED_REQUEST);
    expect(endpoint.port.write(device.resourceStart(0) + 2, new Uint8Array(4))).toBe(FAULT_COMPLETER_ABORT);
  });

  it('answers nothing once it is pulled out', () => {
    const { fabric, endpoint, device } = machine();
    device.enable();
    const at = device.resourceStart(0);
    fabric.rootBus.remove(endpoint);
    expect(fabric.readMmio(at)).toBe(0xffff_ffff);
    expect(fabric.readConfig(0, 0x20, 0, 2)).toBe(0xffff);
    expect(endpoint.port.write(0, new Uint8Array(4))).toBe(FAULT_REMOVED);
  });
});
