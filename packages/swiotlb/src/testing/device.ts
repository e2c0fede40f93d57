import type { SwiotlbDevice } from '../device.ts';

/** A coherent 64-bit PCI device without alignment wishes; name what the test needs otherwise. */
export function pciDevice(wishes: Partial<SwiotlbDevice> = {}): SwiotlbDevice {
  return { name: '0000:00:03.0', dmaMask: 2 ** 64, minAlignMask: 0, segBoundaryMask: 0xffffffff, ...wishes };
}

/** As the NVMe driver sets its device up: buffers keep their offset in a page (spec S30). */
export function nvmeDevice(wishes: Partial<SwiotlbDevice> = {}): SwiotlbDevice {
  return pciDevice({ boundDriver: 'nvme', minAlignMask: 4095, ...wishes });
}
