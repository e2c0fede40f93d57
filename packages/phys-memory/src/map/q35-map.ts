import { AddressMap, type NewRange } from './address-map.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** From 2 GiB of memory on, the machine keeps 2 to 4 GiB for devices and puts the rest of RAM above 4 GiB. */
const LOW_RAM_MOST = 2 * GIB;
/** The top of low RAM that the firmware keeps; it varies by a few pages with the set of devices. */
const FIRMWARE_TOP_BYTES = 0x29000;

/**
 * The address map of a QEMU q35 machine without devices (spec P9): a description to start from when there is no
 * `/proc/iomem` at hand. spec gap: P9 shows 1 and 5 GiB; where RAM between 2 and 3 GiB goes is not known.
 * @param ramBytes a multiple of 1 MiB, at least 16 MiB
 */
export function q35AddressMap(ramBytes: number, firmwareTopBytes = FIRMWARE_TOP_BYTES): AddressMap {
  if (!(ramBytes % MIB === 0 && ramBytes >= 16 * MIB)) {
    throw new RangeError(`a q35 machine has a multiple of 1 MiB and at least 16 MiB of RAM, not ${ramBytes} bytes`);
  }
  const low = Math.min(ramBytes, LOW_RAM_MOST);
  const above: NewRange[] = [{ start: 4 * GIB, end: 4 * GIB + ramBytes - low - 1, name: 'System RAM' }];
  return new AddressMap([
    { start: 0, end: 0xfff, name: 'Reserved' },
    { start: 0x1000, end: 0x9fbff, name: 'System RAM' },
    { start: 0x9fc00, end: 0x9ffff, name: 'Reserved' },
    { start: 0xa0000, end: 0xbffff, name: 'PCI Bus 0000:00' },
    { start: 0xf0000, end: 0xfffff, name: 'Reserved' },
    { start: 0x100000, end: low - firmwareTopBytes - 1, name: 'System RAM' },
    { start: low - firmwareTopBytes, end: low - 1, name: 'Reserved' },
    { start: low, end: 0xafffffff, name: 'PCI Bus 0000:00' },
    { start: 0xb0000000, end: 0xbfffffff, name: 'PCI ECAM 0000 [bus 00-ff]' },
    { start: 0xc0000000, end: 0xfebfffff, name: 'PCI Bus 0000:00' },
    { start: 0xfec00000, end: 0xfec003ff, name: 'IOAPIC 0' },
    { start: 0xfed1c000, end: 0xfed1ffff, name: 'Reserved' },
    { start: 0xfffc0000, end: 0xffffffff, name: 'Reserved' },
    ...(ramBytes > low ? above : []),
    { start: 0xfd00000000, end: 0xffffffffff, name: 'Reserved' },
  ]);
}
