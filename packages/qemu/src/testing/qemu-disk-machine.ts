import { devfn } from '@dmalab/pci-p2p';
import type { QemuPlatform } from '../machine/platform.ts';
import { QemuMachine } from '../machine/qemu-machine.ts';
import { DISK_BYTES, type DiskMachine } from './disk-machine.ts';
import { type QemuIommu, startDriver } from './qemu-iommus.ts';

const RAM_BYTES = 2 ** 28;

/** QEMU's own device models; `iommu` belongs to the platform, or is null. */
export function qemuDiskMachine(platform: QemuPlatform, iommu: QemuIommu | null): DiskMachine {
  const machine = new QemuMachine({
    platform,
    ramBytes: RAM_BYTES,
    files: { disk: DISK_BYTES },
    args: [...(iommu?.args ?? []), '-drive', 'if=none,id=disk,format=raw,file=@folder/disk'],
    devices: [...(iommu?.devices ?? []), 'nvme,serial=dmalab,drive=disk,addr=4,mdts=0'],
  });
  const { ram, pages, pci } = machine;
  const driver = iommu === null ? null : startDriver({ machine, pages }, iommu, () => {});
  return {
    memory: ram,
    pages,
    iommu: driver,
    ram: [{ start: platform.freeRam, end: ram.start + ram.lengthBytes - 1 }],
    host: pci,
    rid: devfn(4),
    messagePage: pci.interrupts.start,
    advance: (nanoseconds) => machine.advance(nanoseconds),
    close: () => machine.close(),
  };
}
