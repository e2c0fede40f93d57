import type { Account } from '../explanation.ts';
import { deviceName, hexText, type LineContext, type Parts, present, type Rule } from '../rule.ts';
import { type Advice, isFirstPage, notMapped, wrongDirection } from './access-faults.ts';

/** An event's fields, whatever stands in front: driver and device, the IOMMU's name, or nothing (spec I176, I177). */
const EVENT =
  /^(?:(?:(?<driver>[^\s:]+) )?(?<device>\S+): )?AMD-Vi: Event logged \[ ?(?<name>[A-Z_]+)(?<fields>[^\]]*)\]?/;

/** Bits of an event's flags (spec H40). */
const FLAG_INTERRUPT = 0x008;
const FLAG_PRESENT = 0x010;
const FLAG_WRITE = 0x020;
const FLAG_PERMISSION = 0x040;
const FLAG_RESERVED = 0x080;
const FLAG_TRANSLATION = 0x100;
const FLAG_NAMES: readonly (readonly [bit: number, name: string])[] = [
  [0x001, 'guest'],
  [0x002, 'no-execute'],
  [0x004, 'user'],
  [FLAG_INTERRUPT, 'interrupt'],
  [FLAG_PRESENT, 'present'],
  [FLAG_WRITE, 'write'],
  [FLAG_PERMISSION, 'permission'],
  [FLAG_RESERVED, 'reserved bits or level'],
  [FLAG_TRANSLATION, 'translation request'],
];

/** Lines of the AMD IOMMU driver. */
export const AMD_RULES: readonly Rule[] = [
  {
    id: 'amd-page-fault',
    family: 'amd-vi',
    pattern: new RegExp(EVENT.source.replace('(?<name>[A-Z_]+)', '(?<name>IO_PAGE_FAULT)')),
    account: pageFault,
  },
  {
    id: 'amd-detached-device',
    family: 'amd-vi',
    pattern: /^AMD-Vi: Event logged \[Device not attached to domain properly\]/,
    details: /^(?:AMD-Vi: )? *device=\S+ domain=/,
    account: (_, { details }) => ({
      device: deviceName(/device=(\S+)/.exec(details[0] ?? '')?.[1] ?? 'unknown device'),
      severity: 'error',
      says: 'a device faulted that has no domain',
      fields: fieldsOf(details[0] ?? ''),
      causes: [
        'the device sends requests although the kernel did not attach it: left running by firmware, or not enumerated',
      ],
      next: ['look for the device in `lspci -D` and for its line "Adding to iommu group"'],
      basis: ['I176', 'I124'],
    }),
  },
  {
    id: 'amd-event',
    family: 'amd-vi',
    pattern: EVENT,
    details: /^(?:\S+ )?(?:\S+: )?(?:AMD-Vi: )?(?:Control Reg :|DTE\[\d\]:)/,
    account: otherEvent,
  },
  {
    id: 'amd-completion-wait',
    family: 'amd-vi',
    pattern: /^AMD-Vi: Completion-Wait loop timed out/,
    account: () => ({
      device: null,
      severity: 'error',
      says: 'the IOMMU did not finish its commands in time: mappings that were ended may still be cached',
      fields: {},
      causes: [
        'a device does not answer an invalidation of its own translation cache: it hangs, sleeps or is in reset (IOTLB_INV_TIMEOUT beside it names the device)',
        'the IOMMU stopped at a bad command (ILLEGAL_COMMAND_ERROR or COMMAND_HARDWARE_ERROR beside it)',
      ],
      next: [
        'find the AMD-Vi event next to this line, and look at what that device was doing: reset, power saving, removal',
      ],
      basis: ['H40', 'H41', 'I177'],
    }),
  },
];

function pageFault(parts: Parts, { boot }: LineContext): Account {
  const fields = fieldsOf(parts['fields']!);
  const flags = Number(fields['flags'] ?? 0);
  const address = hexText(String(fields['address'] ?? '0'));
  const access = (flags & FLAG_WRITE) !== 0 ? 'write' : 'read';
  const isInterrupt = (flags & FLAG_INTERRUPT) !== 0;
  const device = fields['device'] ?? parts['device'];
  return {
    device: device === undefined ? null : deviceName(String(device)),
    severity: 'error',
    says: isInterrupt
      ? `the IOMMU refused an interrupt of the device (at ${address})`
      : `the IOMMU refused to let the device ${access} at ${address}: ${verdict(flags)}`,
    fields: present({
      driver: parts['driver'],
      ...(isInterrupt ? {} : { access }),
      address,
      domain: fields['domain'],
      pasid: fields['pasid'],
      flags: fields['flags'],
      flagNames: flagNames(flags),
    }),
    ...faultAdvice(flags, address, access, boot),
    key: `${flags} ${isFirstPage(address)}`,
  };
}

/** Spec H40: not present, or present and refused. */
function verdict(flags: number): string {
  if ((flags & FLAG_RESERVED) !== 0) return 'a table entry has reserved bits or a wrong level';
  if ((flags & FLAG_PRESENT) === 0) return 'the page is not mapped';
  return (flags & FLAG_PERMISSION) !== 0 ? 'the entry is there and does not allow it' : 'the entry is there';
}

function faultAdvice(flags: number, address: string, access: 'read' | 'write', boot: LineContext['boot']): Advice {
  if ((flags & FLAG_INTERRUPT) !== 0) return INTERRUPT;
  if ((flags & FLAG_RESERVED) !== 0) return TABLES;
  if ((flags & FLAG_PRESENT) === 0) return notMapped(address, access, boot);
  const direction = wrongDirection(access);
  // H40 doesn't say which entry on the way was present: the leaf of this direction, or the device's own entry.
  const unused = 'an access to memory that this device was never given, through an entry that refuses it';
  return { ...direction, causes: [...direction.causes, unused], basis: ['H40', ...direction.basis] };
}

const INTERRUPT: Advice = {
  causes: [
    'the device sends an interrupt that has no entry in its remapping table: freed, or set up by firmware or a previous kernel',
  ],
  next: ['look at what happened to the device just before: driver removal, suspend, reset, kexec'],
  basis: ['H40', 'I176'],
};

const TABLES: Advice = {
  causes: ['the memory of the tables was overwritten, or the hardware uses a stale cached entry'],
  next: ['compare with a cold boot; `dmalab walk DUMP` shows the tables of a memory dump level by level'],
  basis: ['H40'],
};

/** What the other events say, and their first cause (spec H40, I177). */
const EVENTS: Readonly<Record<string, readonly [says: string, cause: string]>> = {
  ILLEGAL_DEV_TABLE_ENTRY: [
    "the device's table entry holds what the hardware does not allow",
    'the device table was not set up for this device, or was overwritten',
  ],
  DEV_TAB_HARDWARE_ERROR: [
    'the hardware could not read the device table',
    'faulty memory, or a table where the IOMMU can not reach it',
  ],
  PAGE_TAB_HARDWARE_ERROR: [
    'the hardware could not read a page table',
    'faulty memory, or a table entry that points where no memory is',
  ],
  ILLEGAL_COMMAND_ERROR: [
    'the IOMMU met a command that it does not know and stopped',
    'the command buffer was overwritten',
  ],
  COMMAND_HARDWARE_ERROR: [
    'the IOMMU could not read its commands and stopped',
    'faulty memory, or a command buffer that it can not reach',
  ],
  IOTLB_INV_TIMEOUT: [
    'the device did not answer an invalidation of its own translation cache',
    'the device hangs, sleeps or is in reset while its address translation service is enabled',
  ],
  INVALID_DEVICE_REQUEST: [
    'the device sent a request that is not allowed at this address or for this device',
    'the device used an address of a special range (interrupts, system management), or a request type that is not enabled for it',
  ],
  INVALID_PPR_REQUEST: [
    'the device sent a page request that is not allowed',
    'the device uses page requests that are not enabled for it',
  ],
};

function otherEvent(parts: Parts): Account {
  const name = parts['name']!;
  const { device, ...fields } = fieldsOf(parts['fields']!);
  const [says, cause] = EVENTS[name] ?? [`event ${name}, for which there is no rule here`, null];
  const timedOut = name === 'IOTLB_INV_TIMEOUT';
  return {
    device: device === undefined ? (parts['device'] ?? null) : deviceName(String(device)),
    severity: 'error',
    says,
    fields: present({ event: name, iommu: device === undefined ? undefined : parts['device'], ...fields }),
    causes: cause === null ? [] : [cause],
    next: timedOut
      ? [
          'look at what the device was doing: reset, power saving, removal',
          'pci=noats turns its translation cache off: if the timeouts end, the device is at fault',
        ]
      : ['look at the lines before: what happened to this device or its driver'],
    basis: timedOut ? ['H40', 'H12', 'I177'] : ['H40', 'I177'],
    key: name,
  };
}

/** `name=value` pairs as they are printed. */
function fieldsOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(\w+)=([^\s\],]+)/g)].map(([, name, value]) => [name, value]));
}

function flagNames(flags: number): string | undefined {
  const names = FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  return names.length === 0 ? undefined : names.join(', ');
}
