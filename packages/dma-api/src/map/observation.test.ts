import { PhysMemory, physAddr } from '@dmalab/phys-memory';
import { EventKind } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { DmaContext } from '../context/dma-context.ts';
import { Device } from '../device/device.ts';
import { DMA_TO_DEVICE } from '../types/direction.ts';
import { dmaMapPhys, dmaUnmapPhys } from './map-phys.ts';

describe('a direct mapping', () => {
  it('D13 is traced from the moment tracing is switched on, by devices that were there before, until it is off', () => {
    const context = new DmaContext({ memory: new PhysMemory(), ram: [{ start: 0, end: 0x3fffffff }] });
    const device = new Device(context, '0000:00:03.0');
    const mapAndUnmap = () => {
      const address = dmaMapPhys(device, physAddr(0x5000), 512, DMA_TO_DEVICE);
      dmaUnmapPhys(device, address, 512, DMA_TO_DEVICE);
      return address;
    };
    expect(mapAndUnmap()).toBe(0x5000);
    context.ring.on = true;
    expect(mapAndUnmap()).toBe(0x5000);
    context.ring.on = false;
    expect(mapAndUnmap()).toBe(0x5000);
    const { log } = context.ring.toLog();
    const kinds = Array.from({ length: log.length }, (_, i) => log.kind(i));
    expect(kinds).toEqual([EventKind.DMA_MAP_PHYS, EventKind.DMA_UNMAP_PHYS]);
  });
});
