import { hex, hexDigits, requester } from './format.ts';

/** A page fault that an AMD IOMMU logged (spec I176). */
export interface AmdPageFault {
  readonly segment: number;
  readonly sourceId: number;
  readonly domainId: number;
  readonly address: number | bigint;
  /** 12 bits: 0x020 write, 0x008 interrupt. */
  readonly flags: number;
}

/** Bits of an AMD page fault's flags (spec I176). */
export const AMD_FAULT_INTERRUPT = 0x008;
export const AMD_FAULT_WRITE = 0x020;

/**
 * The kernel's line for a page fault. `deviceName` is driver and device of a known one (`nvme 0000:00:03.0`), null for a
 * device that the kernel does not know.
 */
export function amdPageFaultLine(fault: AmdPageFault, deviceName: string | null): string {
  const what = `domain=${hex(fault.domainId, 4)} address=${hex(fault.address)} flags=${hex(fault.flags, 4)}`;
  if (deviceName !== null) return `${deviceName}: AMD-Vi: Event logged [IO_PAGE_FAULT ${what}]`;
  return `AMD-Vi: Event logged [IO_PAGE_FAULT device=${amdDevice(fault)} ${what}]`;
}

/** The two lines for a device that has no domain. */
export function amdDetachedDeviceLines(fault: AmdPageFault): string[] {
  return [
    'AMD-Vi: Event logged [Device not attached to domain properly]',
    `AMD-Vi:   device=${amdDevice(fault)} domain=${hex(fault.domainId, 4)}`,
  ];
}

/** Another event, for the IOMMU itself: fields in the order given, values already in the kernel's form (spec I177). */
export function amdEventLine(iommuName: string, event: string, fields: Readonly<Record<string, string>>): string {
  const list = Object.entries(fields).map(([key, value]) => ` ${key}=${value}`);
  return `${iommuName}: AMD-Vi: Event logged [${event}${list.join('')}]`;
}

/** Control register and device table entry, printed after ILLEGAL_DEV_TABLE_ENTRY (spec I177). */
export function amdDeviceTableLines(control: bigint, entry: readonly bigint[]): string[] {
  const words = entry.map((word, i) => `AMD-Vi: DTE[${i}]: ${hexDigits(word, 16)}`);
  return [`AMD-Vi: Control Reg : ${hex(control)}`, ...words];
}

function amdDevice({ segment, sourceId }: AmdPageFault): string {
  return `${hexDigits(segment, 4)}:${requester(sourceId)}`;
}
