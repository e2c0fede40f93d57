import type { BootFacts } from '../boot-facts.ts';
import { type Advice, notMapped, notMappedOrWrongDirection, wrongDirection } from './access-faults.ts';

/** What a VT-d fault reason means (spec H26, I174), and what to make of it. */
export interface VtdReason {
  readonly means: string;
  advice(address: string, access: 'read' | 'write', boot: BootFacts): Advice;
}

/** Meaning of a reason by its number. */
export function vtdReason(reason: number): VtdReason {
  const means = MEANINGS.get(reason) ?? 'a reason that the VT-d rules do not name';
  return { means, advice: (address, access, boot) => adviceFor(reason, address, access, boot) };
}

/** Whether the record is about an interrupt: then it holds an index and no address (spec I173). */
export function isInterruptReason(reason: number): boolean {
  return reason >= 0x20 && reason <= 0x26;
}

const MEANINGS: ReadonlyMap<number, string> = new Map([
  [0x00, 'set by software'],
  [0x01, 'the root table has no entry for the bus'],
  [0x02, 'the context table has no entry for the device'],
  [0x03, "the device's context entry holds a combination that the hardware does not support"],
  [0x04, 'the address is wider than the IOMMU translates for this device'],
  [0x05, 'no write permission: the page is not mapped, or mapped read-only'],
  [0x06, 'no read permission: the page is not mapped, or mapped write-only'],
  [0x07, 'the hardware could not read a page table'],
  [0x08, 'the hardware could not read the root table'],
  [0x09, 'the hardware could not read the context table'],
  [0x0a, 'reserved bits are set in the root entry'],
  [0x0b, 'reserved bits are set in the context entry'],
  [0x0c, 'reserved bits are set in a page table entry'],
  [0x0d, 'a request of an address translation service where the context entry forbids them'],
  [0x20, 'reserved fields are set in the interrupt request'],
  [0x21, 'the interrupt index is beyond the table'],
  [0x22, 'the interrupt table has no entry at this index'],
  [0x23, 'the hardware could not read the interrupt table'],
  [0x24, 'reserved fields are set in the interrupt table entry'],
  [0x25, 'an interrupt in the old format, which is blocked'],
  [0x26, 'the interrupt entry belongs to another requester'],
  [0x30, 'the root table address is invalid'],
  [0x31, 'a request with PASID while the IOMMU is in legacy mode'],
  [0x32, 'a page request while the IOMMU is in legacy mode'],
  [0x38, 'the hardware could not read the root table'],
  [0x39, 'the root table has no entry for the bus'],
  [0x3a, 'reserved bits are set in the root entry'],
  [0x40, 'the hardware could not read the context table'],
  [0x41, 'the context table has no entry for the device'],
  [0x42, 'reserved bits are set in the context entry'],
  [0x43, "the device's context entry holds a combination that the hardware does not support"],
  [0x44, 'a request of an address translation service where the context entry forbids them'],
  [0x45, 'a request with PASID where the context entry forbids them'],
  [0x46, 'the PASID is beyond the directory'],
  [0x47, 'a page request where the context entry forbids them'],
  [0x48, 'the PASID for requests without one is invalid'],
  [0x50, 'the hardware could not read the PASID directory'],
  [0x51, 'the PASID directory has no entry for this PASID'],
  [0x52, 'reserved bits are set in the PASID directory entry'],
  [0x58, 'the hardware could not read the PASID table'],
  [0x59, 'the PASID table has no entry for this PASID'],
  [0x5a, 'reserved bits are set in the PASID entry'],
  [0x5b, 'the PASID entry holds a combination that the hardware does not support'],
  [0x5c, 'an execute request where the PASID entry forbids them'],
  [0x5d, 'a privileged request where the PASID entry forbids them'],
  [0x70, 'the hardware could not read a first-level page table'],
  [0x71, 'the page is not mapped in the first-level tables'],
  [0x72, 'reserved bits are set in a first-level page table entry'],
  [0x73, 'the hardware could not read the first-level root table'],
  [0x78, 'the hardware could not read a second-level page table'],
  [0x79, 'no permission in the second-level tables: not mapped, or mapped for the other direction'],
  [0x7a, 'reserved bits are set in a second-level page table entry'],
  [0x7b, 'the hardware could not read the second-level root table'],
  [0x80, 'the address is not canonical'],
  [0x81, 'a user request to a page for the supervisor only'],
  [0x82, 'an execute request to a page without execute permission'],
  [0x83, 'the address is wider than the tables translate'],
  [0x84, 'the address is wider than the second-level tables translate'],
  [0x85, 'the page is mapped read-only'],
  [0x86, 'the page is mapped write-only'],
  [0x87, 'a transfer to the window for interrupts'],
]);

const UNMAPPED: ReadonlySet<number> = new Set([0x71]);
const UNMAPPED_OR_DIRECTION: ReadonlySet<number> = new Set([0x05, 0x06, 0x79]);
const DIRECTION: ReadonlySet<number> = new Set([0x85, 0x86]);
const NO_ENTRY: ReadonlySet<number> = new Set([0x01, 0x02, 0x39, 0x41]);
const TOO_WIDE: ReadonlySet<number> = new Set([0x04, 0x80, 0x83, 0x84]);
const TABLES_WRONG: ReadonlySet<number> = new Set([
  0x03, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x30, 0x38, 0x3a, 0x40, 0x42, 0x43, 0x50, 0x52, 0x58, 0x5a, 0x5b, 0x70,
  0x72, 0x73, 0x78, 0x7a, 0x7b,
]);
const FEATURE_OFF: ReadonlySet<number> = new Set([
  0x0d, 0x31, 0x32, 0x44, 0x45, 0x46, 0x47, 0x48, 0x51, 0x59, 0x5c, 0x5d, 0x81, 0x82,
]);

function adviceFor(reason: number, address: string, access: 'read' | 'write', boot: BootFacts): Advice {
  if (UNMAPPED.has(reason)) return notMapped(address, access, boot);
  if (UNMAPPED_OR_DIRECTION.has(reason)) return notMappedOrWrongDirection(address, access, boot);
  if (DIRECTION.has(reason)) return wrongDirection(access);
  if (isInterruptReason(reason))
    return reason === 0x26 ? INTERRUPT_OWNER : reason === 0x25 ? OLD_FORMAT : INTERRUPT_TABLE;
  if (NO_ENTRY.has(reason)) return NO_DOMAIN;
  if (TOO_WIDE.has(reason)) return WIDTH;
  if (TABLES_WRONG.has(reason)) return TABLES;
  return FEATURE_OFF.has(reason) ? FEATURE : UNNAMED;
}

const NO_DOMAIN: Advice = {
  causes: [
    'the device sends requests although no domain is attached: firmware or a previous kernel left it running, or it is no device that this kernel enumerated',
    'the requests carry the bus, device and function of another function: a bridge or a controller that sends under an alias which the kernel does not know',
  ],
  next: [
    'look for this address in `lspci -D`: a device that is not listed there sends under a false or hidden address',
    'if it is listed, look for its line "Adding to iommu group" and whether the fault comes before that line',
  ],
  basis: ['H26', 'I121', 'I124', 'I130'],
};

const WIDTH: Advice = {
  causes: [
    'the device used an address that no map call returned: IO virtual addresses never exceed the width that the IOMMU translates',
  ],
  next: ['check the code that builds descriptors for sign extension, flag bits left in an address, or stale memory'],
  basis: ['H26', 'I13'],
};

const TABLES: Advice = {
  causes: [
    'the tables in memory and what the hardware reads differ: a stale cached entry after a missed invalidation, or a table that the hardware cannot reach',
    'the memory of the tables was overwritten or is faulty',
  ],
  next: [
    'build with the DMAR debug option: each record is then followed by the entries that the walk meets',
    'after a warm reboot or kexec, compare with a cold boot: tables of the previous kernel may still be in use',
    '`dmalab walk DUMP` shows the tables of a memory dump level by level',
  ],
  basis: ['H26', 'I175', 'I227'],
};

const FEATURE: Advice = {
  causes: [
    'the device uses a feature (address translation service, PASID, page request, privileged or execute access) that is not enabled for it',
  ],
  next: ['compare `lspci -vvv` of the device (ATS, PASID, PRI: enabled or not) with what its driver turned on'],
  basis: ['H12', 'H26'],
};

const INTERRUPT_OWNER: Advice = {
  causes: [
    'the interrupt was sent under another address than the one that the entry was made for: a bridge or an alias in between',
    'the device still uses the message of an earlier owner',
  ],
  next: [
    'compare the device of this line with the device whose driver asked for the interrupt (`/proc/interrupts`, lspci -t)',
  ],
  basis: ['H26', 'I173'],
};

const OLD_FORMAT: Advice = {
  causes: [
    'a device or IO-APIC still sends interrupts in the format without remapping: set up by firmware or a previous kernel',
  ],
  next: [
    'if the device is idle in this kernel, look at what firmware or the kernel before a kexec set up; update the firmware',
  ],
  basis: ['H26', 'I173'],
};

const INTERRUPT_TABLE: Advice = {
  causes: [
    'the device sends an interrupt that is not set up, or no more: freed while the device was still running, or left over from firmware or a previous kernel',
  ],
  next: ['look at what happened to the device just before: driver removal, suspend, reset, kexec'],
  basis: ['H26', 'I173'],
};

const UNNAMED: Advice = {
  causes: [],
  next: ['look up the reason in the fault tables of the VT-d specification for this hardware'],
  basis: ['I174'],
};
