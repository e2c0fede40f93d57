import { PhysMemory } from '@dmalab/phys-memory';
import { expect, it } from 'vitest';
import { devfn, enumerateFabric, MemoryBar, PCI_EXP_TYPE_RC_END, PciDevice, PciFabric } from './index.ts';

it('the example of the README does what it says', () => {
  const memory = new PhysMemory();
  const windows = [{ kind: 'memory', cpuStart: 0xc000_0000, lengthBytes: 0x2000_0000 }] as const;
  const fabric = new PciFabric({ memory, hostBridges: [{ windows }] });
  const endpoint = fabric.rootBus.add(devfn(3), {
    vendor: 0x1b36,
    device: 0x0010,
    portType: PCI_EXP_TYPE_RC_END,
    bars: [{ index: 0, kind: 'memory32', sizeBytes: 4096 }],
    msix: { vectors: 1, bar: 0, tableOffset: 0x800 },
  });
  endpoint.attach(0, new MemoryBar(4096));
  enumerateFabric(fabric);
  const device = new PciDevice(fabric, 0, endpoint.rid);
  device.enable();
  device.enableMsix(1);
  device.writeRegister(0x10, 0x1234);
  endpoint.port.write(0x5000, Uint8Array.of(1, 2, 3, 4));
  endpoint.port.interrupt(0);
  const printed = [memory.load32(0x5000).toString(16), device.readRegister(0x10), device.interruptPending(0)];
  expect(printed).toEqual(['4030201', 0x1234, true]);
});
