import { P2pdma } from '@dmalab/pci-p2p';
import { type DevicePageMap, type DevicePages, DevicePageType } from '@dmalab/phys-memory';

/** The kernel's peer-to-peer code with the machine's page descriptors behind it (spec T53, T58, P57). */
export function buildP2pdma(devicePages: DevicePages, forwardsPeers: boolean): P2pdma {
  const maps = new Map<number, DevicePageMap>();
  return new P2pdma({
    isZen: forwardsPeers,
    devicePages: {
      add(phys, lengthBytes) {
        const owner = 'p2pdma';
        const range = { start: phys, end: phys + lengthBytes - 1 };
        const map = devicePages.register({ ...range, owner, type: DevicePageType.PCI_P2PDMA });
        if (typeof map === 'number') throw new Error(`page descriptors for 0x${phys.toString(16)}: error ${map}`);
        maps.set(phys, map);
      },
      remove(phys) {
        const map = maps.get(phys);
        if (map !== undefined) devicePages.unregister(map);
        maps.delete(phys);
      },
    },
  });
}
