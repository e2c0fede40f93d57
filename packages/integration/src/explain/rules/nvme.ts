import type { Account } from '../explanation.ts';
import { type Parts, present, type Rule } from '../rule.ts';

const CONTROLLER = String.raw`nvme (?<device>nvme\d+|[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]): `;
/** `I/O 14 QID 2`, `I/O 193 (I/O Cmd) QID 14`, `I/O tag 3 (0003) opcode 0x2 (Read) QID 1`. */
const COMMAND = String.raw`I/O (?:tag )?(?<tag>\d+) (?:\((?<cidOrName>[^)]*)\) )?(?:opcode (?<opcode>0x[0-9a-f]+) (?:\((?<name>[^)]*)\) )?)?QID (?<qid>\d+)`;

/** Host codes of a status: command type 3, code 71h is what the host itself aborted (spec N96). */
const HOST_ABORTED = { type: 3, code: 0x71 };

/** The NVMe driver's lines about commands that did not come back, and the block layer's that follow. */
export const NVME_RULES: readonly Rule[] = [
  {
    id: 'nvme-timeout',
    family: 'nvme',
    pattern: new RegExp(
      `^${CONTROLLER}${COMMAND} timeout, (?<action>aborting|reset controller|disable controller|completion polled)(?: req_op:(?<op>\\w+)\\(\\d+\\))?(?:.*? size:(?<size>\\d+))?`,
    ),
    account: timeout,
  },
  {
    id: 'nvme-admin-timeout',
    family: 'nvme',
    pattern: new RegExp(`^${CONTROLLER}admin command timeout, disable controller`),
    account: ({ device }) => ({
      ...noAnswer(device!),
      says: 'the controller did not answer an administration command: it is switched off',
      fields: {},
    }),
  },
  {
    id: 'nvme-abort-status',
    family: 'nvme',
    pattern: new RegExp(`^${CONTROLLER}Abort status: (?<status>0x[0-9a-f]+)`),
    account: ({ device, status }) => ({
      device: device!,
      severity: 'info',
      says:
        status === '0x0'
          ? 'the controller answered the abort: it is alive, the command was the slow part'
          : 'the controller refused the abort: it is alive',
      fields: { status: status! },
      causes: [],
      next: [],
      basis: ['N94'],
    }),
  },
  {
    id: 'nvme-down',
    family: 'nvme',
    pattern: new RegExp(
      `^${CONTROLLER}controller is down; will reset: CSTS=(?<csts>0x[0-9a-f]+)(?:, PCI_STATUS(?: read failed)? ?=?\\(?(?<pci>0x[0-9a-f]+|\\d+)?\\)?)?`,
    ),
    details: /^nvme \S+: (?:Does your device have a faulty power saving mode enabled|Try "nvme_core)/,
    account: down,
  },
  {
    id: 'nvme-not-ready',
    family: 'nvme',
    pattern: new RegExp(`^${CONTROLLER}Device not ready; aborting (?<what>\\w+)(?:, CSTS=(?<csts>0x[0-9a-f]+))?`),
    account: ({ device, what, csts }) => ({
      ...noAnswer(device!),
      says: `the controller did not become ready in time: ${what} is given up`,
      fields: present({ during: what, csts }),
    }),
  },
  {
    id: 'nvme-given-up',
    family: 'nvme',
    pattern: new RegExp(
      `^${CONTROLLER}(?:Removing after probe failure status|Disabling device after reset failure): (?<error>-?\\d+)`,
    ),
    account: ({ device, error }) => ({
      ...noAnswer(device!),
      says: 'the controller could not be brought back: its disks are gone',
      fields: { error: Number(error) },
      basis: ['N97'],
    }),
  },
  {
    id: 'nvme-io-error',
    family: 'block',
    pattern:
      /^(?<device>nvme\d+)(?<rest>(?:c\d+)?n\d+): (?<op>.+?)\((?<opcode>0x[0-9a-f]+)\) @ LBA (?<lba>\d+), (?<blocks>\d+) blocks, (?<text>.+?) \(sct (?<sct>0x[0-9a-f]+) \/ sc (?<sc>0x[0-9a-f]+)\)(?<flags>.*)$/,
    account: ioError,
  },
  {
    id: 'block-io-error',
    family: 'block',
    pattern:
      /^(?:blk_update_request: |print_req_error: )?(?:(?:Buffer )?I\/O error,? (?:on )?dev(?:ice)? (?<disk>\w+)|critical \w+ error, dev (?<critical>\w+)), (?:sector|logical block) (?<place>\d+)(?: op (?<op>0x[0-9a-f]+:\(\w+\)))?/,
    account: ({ disk, critical, place, op }) => ({
      device: controllerOf((disk ?? critical)!),
      severity: 'error',
      says: `requests to ${disk ?? critical} failed`,
      fields: present({ disk: disk ?? critical, sector: Number(place), operation: op }),
      causes: [],
      next: [],
      basis: ['N88', 'N92'],
      consequence: true,
    }),
  },
];

function timeout({ device, tag, qid, opcode, name, action, op, size }: Parts): Account {
  const fields = present({
    tag: Number(tag),
    queue: Number(qid),
    opcode,
    command: name,
    operation: op,
    size: size && Number(size),
    action,
  });
  if (action === 'completion polled') {
    return {
      device: device!,
      severity: 'warning',
      says: 'a command had completed, but no interrupt said so: the driver found it by looking after the timeout',
      fields,
      causes: [
        'the interrupt was lost on the way: interrupt controller, interrupt remapping, or a controller that does not send it',
      ],
      next: [
        'compare the counts in /proc/interrupts of this queue while I/O runs',
        'look for faults of interrupt remapping (INTR-REMAP) of this device',
      ],
      basis: ['N94'],
      key: action,
    };
  }
  const then = {
    aborting: 'the driver asks the controller to abort it',
    'reset controller': 'the driver resets the controller',
    'disable controller': 'the driver switches the controller off',
  };
  return {
    ...noAnswer(device!),
    says: `a command did not complete in time: ${then[action as keyof typeof then]}`,
    fields,
    key: action!,
  };
}

function down({ device, csts, pci }: Parts): Account {
  const gone = csts === '0xffffffff';
  const fatal = !gone && (Number(csts) & 2) !== 0;
  return {
    device: device!,
    severity: 'error',
    says: gone
      ? `the controller's registers no longer answer${pci === '0xffff' ? ', and neither does its configuration space: it is off the bus' : ''}: it is reset`
      : fatal
        ? 'the controller reports a fatal error of its own: it is reset'
        : 'the controller is not in the state that it should be in: it is reset',
    fields: present({ csts, pciStatus: pci, gone, fatal, ready: !gone && (Number(csts) & 1) !== 0 }),
    causes: gone
      ? [
          'link or power of the device is gone, or it does not wake from a power saving state',
          'memory access of the device was switched off in its configuration space (a reset that came from elsewhere)',
        ]
      : [
          'a controller reports this state for example after it could not read its queues: look for an IOMMU fault of the device before',
          'firmware of the device',
        ],
    next: gone
      ? [
          'look for PCIe errors (AER, link down) at the same time',
          'as a test, nvme_core.default_ps_max_latency_us=0 and pcie_aspm=off keep device and link awake',
        ]
      : [
          'look for IOMMU faults of the PCI device of this controller in the minute before',
          'firmware update of the device',
        ],
    basis: ['N94'],
    key: `${csts} ${pci}`,
  };
}

/** What all timeouts have in common: the driver only sees that nothing came back (spec N94, I171). */
function noAnswer(device: string): Omit<Account, 'says' | 'fields'> {
  return {
    device,
    severity: 'warning',
    causes: [
      'if an IOMMU fault of this device comes before: the access that was refused; the driver is not told and only sees the timeout',
      'otherwise the controller or its medium is slow or hangs',
    ],
    next: ['look for faults of its PCI device in the minute before (the line "pci function" names it)'],
    basis: ['N94', 'I171'],
  };
}

function ioError({ device, rest, op, opcode, lba, blocks, text, sct, sc, flags }: Parts): Account {
  const aborted = Number(sct) === HOST_ABORTED.type && Number(sc) === HOST_ABORTED.code;
  return {
    device: device!,
    severity: 'error',
    says: aborted ? 'a request failed since the driver cancelled it with the reset' : `a command failed: ${text}`,
    fields: present({
      disk: `${device}${rest}`,
      operation: op,
      opcode,
      lba: Number(lba),
      blocks: Number(blocks),
      statusType: Number(sct),
      statusCode: `0x${Number(sc).toString(16)}`,
      more: /\bMORE\b/.test(flags!),
      doNotRetry: /\bDNR\b/.test(flags!),
    }),
    causes: aborted ? ['the reset before it: the cause is there'] : ['the controller says so: the status is its own'],
    next: aborted ? ['look at the first timeout or fault of this controller'] : [],
    basis: aborted ? ['N93', 'N96'] : ['N92', 'N93'],
    key: `${sct} ${sc}`,
    // An error of the medium has nothing to do with DMA.
    ...(!aborted && { consequence: true as const }),
  };
}

/** `nvme0n1p2` is a part of what `nvme0` drives; other disks are their own name. */
function controllerOf(disk: string): string {
  return /^nvme\d+/.exec(disk)?.[0] ?? disk;
}
