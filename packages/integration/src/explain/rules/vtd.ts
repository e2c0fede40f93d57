import type { Account } from '../explanation.ts';
import { deviceName, hexText, type LineContext, type Parts, present, type Rule } from '../rule.ts';
import { isFirstPage } from './access-faults.ts';
import { isInterruptReason, vtdReason } from './vtd-reasons.ts';

/**
 * A fault record (spec I173) and its older forms: without segment or PASID, with the PASID after the device, and with the
 * reason on a line of its own.
 */
const RECORD =
  /^(?:dmar: )?DMAR: ?\[(?<kind>DMA Read|DMA Write|INTR-REMAP)(?: (?:NO_PASID|PASID (?<pasid>\w+)))?\] Request device \[+(?<device>[^\]\s]+)\](?: PASID (?<laterPasid>\w+))? fault (?:addr|index) (?<address>\w+),? *(?:\[fault reason (?<reason>\w+)\] ?(?<text>.*))?$/;
const REASON_LINE = /^(?:dmar: )?DMAR: ?\[fault reason (?<reason>\w+)\] ?(?<text>.*)$/;
const NO_PASID = 'ffffffff';

/** Lines of the VT-d driver about refused requests and broken tables. */
export const VTD_RULES: readonly Rule[] = [
  {
    id: 'vtd-fault',
    family: 'vt-d',
    pattern: RECORD,
    // A record's own dump (spec I175), or the reason that old kernels put on the next line.
    details:
      /^(?:dmar: )?DMAR: ?(?:\[fault reason|Dump \S+ table entries|root entry:|context entry:|scalable mode|pasid (?:dir|table)|pte level:|page table not present)/,
    account: fault,
  },
  {
    id: 'vtd-fault-status',
    family: 'vt-d',
    pattern: /^(?:dmar: )?(?:DMAR: )?DRHD: handling fault status reg (?<status>[0-9a-f]+)$/,
    account: faultStatus,
  },
  {
    id: 'vtd-lone-reason',
    family: 'vt-d',
    pattern: REASON_LINE,
    account: ({ reason, text }) => ({
      device: null,
      severity: 'warning',
      says: `the reason of a fault record whose first line is missing: ${vtdReason(reasonNumber(reason!)).means}`,
      fields: present({ reason: reasonNumber(reason!), text }),
      causes: [],
      next: ['find the line before it: it names the device and the address'],
      basis: ['I173', 'I174'],
    }),
  },
  {
    id: 'vtd-rmrr-ineligible',
    family: 'vt-d',
    pattern:
      /^(?:\S+ )?(?<device>\S+): (?:DMAR: )?Device is ineligible for IOMMU domain attach due to platform RMRR requirement/,
    account: ({ device }) => ({
      device: deviceName(device!),
      severity: 'error',
      says: 'the device can not be given to user space or a guest: firmware reserved memory that it must always reach',
      fields: {},
      causes: [
        'the firmware table lists a reserved region (RMRR) for this device, and user space domains can not keep it mapped',
      ],
      next: [
        "read /sys/bus/pci/devices/DEVICE/iommu_group/reserved_regions: kind 'direct' is what forbids it",
        'ask the firmware vendor for an update or a setting that drops the region',
      ],
      basis: ['I139', 'I140', 'I128'],
    }),
  },
  {
    id: 'vtd-broken-table',
    family: 'vt-d',
    pattern: /^(?:DMAR: )?Your BIOS is broken; DMAR reported at (?:address )?(?<address>\w+) returns all ones/,
    account: ({ address }) => ({
      device: null,
      severity: 'error',
      says: 'the firmware names an IOMMU at an address where nothing answers: that unit is not used',
      fields: { registers: hexText(address!) },
      causes: ['the firmware table is wrong, or the firmware switched the unit off and left it in the table'],
      next: [
        'update the firmware, or turn VT-d on in its setup; until then devices behind that unit are not translated',
      ],
      basis: ['H26', 'I112'],
    }),
  },
];

function fault(parts: Parts, { details, boot }: LineContext): Account {
  const { kind, pasid, laterPasid } = parts;
  const split = details.map((line) => REASON_LINE.exec(line)).find((match) => match !== null);
  const printed = parts['reason'] ?? split?.groups?.['reason'];
  const reason = printed === undefined ? null : reasonNumber(printed);
  const usedPasid = [pasid, laterPasid].find((word) => word !== undefined && word !== NO_PASID);
  const address = hexText(parts['address']!);
  const isInterrupt = kind === 'INTR-REMAP' || (reason !== null && isInterruptReason(reason));
  const access = kind === 'DMA Read' ? 'read' : 'write';
  const { means, advice } = vtdReason(reason ?? -1);
  const did = isInterrupt ? `send the interrupt of index ${address}` : `${access} at ${address}`;
  return {
    device: deviceName(parts['device']!),
    severity: 'error',
    says: `the IOMMU refused to let the device ${did}${reason === null ? '' : `: ${means}`}`,
    fields: present({
      ...(isInterrupt ? { index: address } : { access, address }),
      reason: reason === null ? null : `0x${reason.toString(16).padStart(2, '0')}`,
      reasonText: parts['text'] ?? split?.groups?.['text'],
      pasid: usedPasid === undefined ? undefined : hexText(usedPasid),
    }),
    ...advice(isInterrupt ? '0x1000' : address, access, boot),
    key: `${kind} ${reason} ${!isInterrupt && isFirstPage(address)}`,
  };
}

/**
 * spec gap: I173 has today's form, `0x` and hexadecimal digits. Older kernels printed the reason as decimal digits without
 * 0x: published logs pair `[fault reason 38]` with the words of 0x26.
 */
function reasonNumber(printed: string): number {
  if (printed.startsWith('0x')) return Number(printed);
  return /^\d+$/.test(printed) ? Number.parseInt(printed, 10) : Number.parseInt(printed, 16);
}

/** Bits of the fault status register (spec H24, H25). */
function faultStatus({ status }: Parts): Account {
  const bits = Number.parseInt(status!, 16);
  const lost = (bits & 1) !== 0;
  return {
    device: null,
    severity: 'info',
    says: lost
      ? 'the IOMMU reports faults, and lost some because its records were full'
      : 'the IOMMU reports faults: the records follow',
    fields: {
      status: `0x${bits.toString(16)}`,
      recordsLost: lost,
      recordsPending: (bits & 2) !== 0,
      queueError: (bits & 0x10) !== 0,
      completionError: (bits & 0x20) !== 0,
      invalidationTimeout: (bits & 0x40) !== 0,
      firstRecord: (bits >> 8) & 0xff,
    },
    causes: [],
    next: [],
    basis: ['I172', 'H25'],
    key: lost ? 'lost' : 'complete',
  };
}
