import { BLK_STS_INVAL, BLK_STS_OK, REQ_OP_READ, REQ_OP_WRITE } from '@dmalab/blk-nvme';
import {
  DMA_ATTR_MMIO,
  DMA_FROM_DEVICE,
  dmaFront,
  dmaMapPhys,
  dmaUnmapPhys,
  PCI_P2PDMA_MAP_THRU_HOST_BRIDGE,
} from '@dmalab/dma-api';
import { FAULT_TRANSLATION, pciClient } from '@dmalab/pci-p2p';
import { DMA_MAPPING_ERROR, type PhysAddr } from '@dmalab/phys-memory';
import { renderBody } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { PeerMachine, type PeerMachineOptions } from './peer-machine.ts';

const BYTES = 16384;
const PATTERN = Uint8Array.from({ length: BYTES }, (_, i) => (i * 7 + (i >>> 8)) & 0xff);

/** Writes peer memory to the disk and reads it back to another place there; what passed where, since the driver was up. */
function roundTrip(options: PeerMachineOptions) {
  const machine = new PeerMachine(options);
  machine.peerMemory.bytes.set(PATTERN, 0x10000);
  const before = { ...machine.rootPort.link, ...machine.fabric.hostBridges[0].traffic };
  machine.ring.on = true;
  const wrote = machine.io(REQ_OP_WRITE, [machine.peerAddress(0x10000), BYTES]);
  const read = machine.io(REQ_OP_READ, [machine.peerAddress(0x40000), BYTES]);
  const { toFunctions } = machine.fabric.hostBridges[0].traffic;
  const { log } = machine.ring.toLog();
  return {
    statuses: [wrote, read],
    arrived: machine.peerMemory.bytes.slice(0x40000, 0x40000 + BYTES),
    /** Requests for a BAR that the root complex saw. */
    throughRoot: toFunctions - before.toFunctions,
    events: Array.from({ length: log.length }, (_, i) => `${log.name(i)}: ${renderBody(log, i)}`),
    messages: machine.messages.map(({ id }) => id).filter((id) => id !== 'L7'),
    machine,
  };
}

describe('an NVMe command whose data are peer memory', () => {
  it('T60 BUS_ADDR: bus addresses, no mapping, and nothing for the root complex to see', () => {
    const { statuses, arrived, throughRoot, events } = roundTrip({ iommu: false, isZen: false });
    expect(statuses).toEqual([BLK_STS_OK, BLK_STS_OK]);
    expect(arrived).toEqual(PATTERN);
    expect(throughRoot).toBe(0);
    expect(events.filter((line) => line.startsWith('dma_map_phys'))).toEqual([]);
  });

  it('T61 C2: with the IOMMU on, ports redirect and an unlisted host bridge makes the I/O fail before it is issued', () => {
    const { statuses, throughRoot, messages } = roundTrip({ iommu: true, isZen: false });
    expect(statuses).toEqual([BLK_STS_INVAL, BLK_STS_INVAL]);
    expect(throughRoot).toBe(0);
    expect(messages).toEqual(['L1', 'L2', 'L3', 'L4']);
  });

  it('T61 C3: with a CPU that forwards, it goes up, through the IOMMU, and down again', () => {
    const { statuses, arrived, throughRoot, messages, machine } = roundTrip({ iommu: true, isZen: true });
    expect(statuses).toEqual([BLK_STS_OK, BLK_STS_OK]);
    expect(arrived).toEqual(PATTERN);
    expect(throughRoot).toBe(8); // four pages each way
    expect(messages).toEqual(['L1', 'L2']);
    expect(machine.nvme.bus.bridge?.link.upRequests).toBeGreaterThan(8);
  });

  it('T46 redirect off at both ports: the bus address again, past the IOMMU', () => {
    const options = { iommu: true, isZen: true, disableAcsRedir: '02:00.0;02:01.0' };
    const { statuses, arrived, throughRoot, messages } = roundTrip(options);
    expect(statuses).toEqual([BLK_STS_OK, BLK_STS_OK]);
    expect(arrived).toEqual(PATTERN);
    expect(throughRoot).toBe(0);
    expect(messages).toEqual(['L5', 'L5']);
  });

  it('D22 T33 memory without page descriptors: the phys API maps it with MMIO, the page-based front refuses', () => {
    for (const era of ['phys', 'page'] as const) {
      const machine = new PeerMachine({ iommu: true, isZen: true, era, hasPages: false });
      const provider = machine.p2p.pcimP2pdmaProvider(machine.provider, 2);
      const type = provider && machine.p2p.pciP2pdmaMapType(provider, pciClient(machine.nvme));
      expect(type).toBe(PCI_P2PDMA_MAP_THRU_HOST_BRIDGE);
      const phys = machine.peerAddress(0x2000) as PhysAddr;
      const { device } = machine;
      if (era === 'page') {
        expect(dmaFront(device.context).mapVector(device, phys, 4096, DMA_FROM_DEVICE)).toBe(DMA_MAPPING_ERROR);
        expect(() => machine.io(REQ_OP_READ, [phys, 4096])).toThrow('put back'); // as for want of memory: RESOURCE
        continue;
      }
      const address = dmaMapPhys(device, phys, 4096, DMA_FROM_DEVICE, DMA_ATTR_MMIO);
      expect(machine.nvme.port.write(address, PATTERN, 0, 4096)).toBe(0);
      expect(machine.peerMemory.bytes.slice(0x2000, 0x3000)).toEqual(PATTERN.slice(0, 4096));
      dmaUnmapPhys(device, address, 4096, DMA_FROM_DEVICE, DMA_ATTR_MMIO);
      expect(machine.nvme.port.write(address, PATTERN, 0, 4096)).toBe(FAULT_TRANSLATION);
    }
  });

  it('peer memory and RAM never share a request, and both arrive', () => {
    const { machine } = roundTrip({ iommu: false, isZen: false });
    expect(machine.io(REQ_OP_READ, [machine.peerAddress(0), 4096])).toBe(BLK_STS_OK);
    expect(machine.io(REQ_OP_READ, [0x2000_0000, 4096])).toBe(BLK_STS_OK);
    const ram = new Uint8Array(4096);
    machine.fabric.memory.read(0x2000_0000, ram);
    expect(ram).toEqual(machine.peerMemory.bytes.slice(0, 4096));
    expect(ram).toEqual(PATTERN.slice(0, 4096));
  });
});
