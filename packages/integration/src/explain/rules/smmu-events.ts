import type { BootFacts } from '../boot-facts.ts';
import { type Advice, notMapped, wrongDirection } from './access-faults.ts';

/** An SMMUv3 event (spec H71). */
export interface SmmuEventKind {
  readonly name: string;
  readonly means: string;
  /** Has an input address (spec I178). */
  readonly hasAddress: boolean;
}

const STREAM: Advice = {
  causes: [
    'the firmware table (IORT) or device tree gives this device another stream id than the hardware sends, or none',
    'the device was not attached: it sends requests before its driver bound, or is not enumerated',
  ],
  next: ['compare the stream id of the event with what the IORT or the iommu-map of the device tree gives the device'],
  basis: ['H70', 'I178', 'I124'],
};

const SUBSTREAM: Advice = {
  causes: ['the device sends a PASID that was not set up for it, or none where one is required'],
  next: ["look at what the device's driver set up for shared virtual addressing"],
  basis: ['H70'],
};

const TABLES: Advice = {
  causes: [
    'a table in memory is not what the hardware expects: overwritten, or stale in its cache',
    'the hardware can not reach the memory of its tables',
  ],
  next: ['look at what changed just before: attach, detach, suspend and resume, kexec'],
  basis: ['H70', 'H71'],
};

const TRANSLATED: Advice = {
  causes: [
    'the device sends requests marked as translated already, or asks for translations, where its address translation service is not enabled',
    'a root complex that marks requests wrongly, or sends them under a stream id that is not the one set up for the device',
  ],
  next: [
    'compare `lspci -vvv` of the device (ATS enabled or not) with what the driver turned on; pci=noats turns it off as a test',
  ],
  basis: ['H12', 'H71'],
};

const WIDTH: Advice = {
  causes: [
    'a table entry points to an address wider than the system has: the table was overwritten, or a mapping was made beyond it',
  ],
  next: ['look at the last iommu:map event of this address in a trace'],
  basis: ['H70'],
};

const UNNAMED: Advice = { causes: [], next: ['look up the event in the SMMUv3 architecture'], basis: ['I179'] };

type Remedy = Advice | 'not mapped' | 'permission';

const KINDS: ReadonlyMap<number, readonly [name: string, means: string, remedy: Remedy]> = new Map([
  [0x01, ['F_UUT', 'a request of an unsupported kind', TRANSLATED]],
  [0x02, ['C_BAD_STREAMID', 'the stream id is beyond the stream table', STREAM]],
  [0x03, ['F_STE_FETCH', "the hardware could not read the device's stream table entry", TABLES]],
  [0x04, ['C_BAD_STE', "the device's stream table entry is invalid: nothing was set up for this stream id", STREAM]],
  [0x05, ['F_BAD_ATS_TREQ', 'a translation request where they are not enabled', TRANSLATED]],
  [0x06, ['F_STREAM_DISABLED', 'a request without PASID where one is required', SUBSTREAM]],
  [0x07, ['F_TRANSL_FORBIDDEN', 'a request marked as translated where that is not allowed', TRANSLATED]],
  [0x08, ['C_BAD_SUBSTREAMID', 'the PASID is beyond the table of contexts', SUBSTREAM]],
  [0x09, ['F_CD_FETCH', 'the hardware could not read the context descriptor', TABLES]],
  [0x0a, ['C_BAD_CD', 'the context descriptor is invalid', TABLES]],
  [0x0b, ['F_WALK_EABT', 'the hardware could not read a page table', TABLES]],
  [0x10, ['F_TRANSLATION', 'the page is not mapped', 'not mapped']],
  [0x11, ['F_ADDR_SIZE', 'the tables give an address that is too wide', WIDTH]],
  [0x12, ['F_ACCESS', 'the access flag of the entry is clear', TABLES]],
  [0x13, ['F_PERMISSION', 'the page is mapped and does not allow this access', 'permission']],
  [0x20, ['F_TLB_CONFLICT', 'two cached entries contradict each other', TABLES]],
  [0x21, ['F_CFG_CONFLICT', 'two cached configurations contradict each other', TABLES]],
  [0x24, ['E_PAGE_REQUEST', 'a page request of the device', SUBSTREAM]],
  [0x25, ['F_VMS_FETCH', 'the hardware could not read the structure of the virtual machine', TABLES]],
]);

/** What an event is, by its number. */
export function smmuEventKind(id: number): SmmuEventKind {
  const [name, means] = KINDS.get(id) ?? ['UNKNOWN', 'an event for which there is no rule here'];
  return { name, means, hasAddress: id >= 0x10 && id <= 0x13 };
}

/** The number of an event, by its name; 0 for one without a number here. */
export function smmuEventId(name: string): number {
  for (const [id, [known]] of KINDS) if (known === name) return id;
  return 0;
}

export function smmuAdvice(id: number, address: string, access: 'read' | 'write' | null, boot: BootFacts): Advice {
  const remedy = KINDS.get(id)?.[2] ?? UNNAMED;
  if (remedy === 'not mapped') return notMapped(address, access, boot);
  return remedy === 'permission' ? wrongDirection(access ?? 'write') : remedy;
}
