import { AddressMap, type NewRange } from './address-map.ts';

/** An entry of the memory map that firmware hands to the kernel. */
export interface FirmwareRange {
  readonly start: number;
  readonly end: number;
  readonly type: 'ram' | 'reserved' | 'acpi-tables' | 'acpi-nvs' | 'unusable' | 'pmem';
}

const NAME = {
  ram: 'System RAM',
  reserved: 'Reserved',
  'acpi-tables': 'ACPI Tables',
  'acpi-nvs': 'ACPI Non-volatile Storage',
  unusable: 'Unusable memory',
  pmem: 'Persistent Memory',
} as const;

const FIRST_PAGE_END = 0xfff;
const LEGACY_HOLE = { start: 0xa0000, end: 0xfffff };

/**
 * What the kernel makes of the firmware's map on x86 (spec P6): the first page turns from RAM to reserved, and
 * 0xa0000-0xfffff is no RAM whatever the firmware says. The rest of the tree (buses, ROMs, the kernel) is added later.
 */
export function addressMapFromFirmware(entries: readonly FirmwareRange[]): AddressMap {
  return new AddressMap(entries.flatMap(kernelView));
}

function kernelView({ start, end, type }: FirmwareRange): NewRange[] {
  const name = NAME[type];
  if (type !== 'ram' || start > LEGACY_HOLE.end) return [{ start, end, name }];
  const parts: NewRange[] = [];
  if (start <= FIRST_PAGE_END) parts.push({ start, end: Math.min(end, FIRST_PAGE_END), name: NAME.reserved });
  const low = { start: Math.max(start, FIRST_PAGE_END + 1), end: Math.min(end, LEGACY_HOLE.start - 1), name };
  const high = { start: LEGACY_HOLE.end + 1, end, name };
  return parts.concat([low, high].filter((part) => part.start <= part.end));
}
