import { expect, it } from 'vitest';
import { enumerateFabric } from '../host/enumerate.ts';
import { PciDevice } from '../host/pci-device.ts';
import { ENDPOINT, q35Fabric } from '../testing/machine.ts';
import { devfn } from './address.ts';
import { FAULT_TRANSLATION } from './faults.ts';

const DOORBELL = 0x0809_0000;
const IOVA = 0xffff_f000;

/** An Arm machine: messages go to a page, behind an IOMMU that maps it at `IOVA` and nothing else. */
function armMachine() {
  const fabric = q35Fabric({ doorbellPage: DOORBELL });
  const endpoint = fabric.rootBus.add(devfn(4), { ...ENDPOINT, portType: 9 });
  enumerateFabric(fabric);
  const asked: number[] = [];
  fabric.hostBridges[0].iommu = {
    translate(_sourceId, address) {
      asked.push(address);
      return address >= IOVA && address < IOVA + 4096 ? DOORBELL + (address - IOVA) : -1;
    },
  };
  const messageAddress = (phys: number) => phys - DOORBELL + IOVA;
  const device = new PciDevice(fabric, 0, endpoint.rid, { messageAddress });
  device.enable();
  return { fabric, endpoint, device, asked };
}

it('H10 a message is a write to the doorbell page, which the IOMMU translates like any', () => {
  const { fabric, endpoint, device, asked } = armMachine();
  device.enableMsix(3);
  expect([0, 1, 2].map((vector) => fabric.interrupts.address(vector))).toEqual(Array(3).fill(DOORBELL + 0x40));
  endpoint.port.interrupt(2);
  expect(asked).toEqual([IOVA + 0x40]);
  expect([0, 1, 2].map((vector) => device.interruptPending(vector))).toEqual([false, false, true]);
  expect(fabric.interrupts.spurious).toBe(0);
});

it('H10 a message that is not mapped is a fault, and so are reads of the page; the window of x86 is memory', () => {
  const { endpoint, asked, fabric } = armMachine();
  const bytes = new Uint8Array(4);
  expect(endpoint.port.write(DOORBELL + 0x40, bytes)).toBe(FAULT_TRANSLATION);
  expect(endpoint.port.read(IOVA + 0x40, bytes)).toBe(FAULT_TRANSLATION);
  expect(endpoint.port.write(0xfee0_0000, bytes)).toBe(FAULT_TRANSLATION);
  expect(asked).toEqual([DOORBELL + 0x40, IOVA + 0x40, 0xfee0_0000]);
  expect(fabric.interrupts.take(0)).toBe(false);
});
