import type { Account, FieldValue } from '../explanation.ts';
import { DEVICE_PREFIX, deviceName, type Parts, present, type Rule } from '../rule.ts';
import { DEBUG_FINDINGS, type DebugFinding } from './dma-debug-findings.ts';

/** Driver and device stand behind `DMA-API: ` today, and stood before it until 4.20 or so. */
const BEFORE = new RegExp(`^${DEVICE_PREFIX}DMA-API: (?<finding>.*)$`).source;
const AFTER = new RegExp(`^DMA-API: ${DEVICE_PREFIX}(?<finding>.*)$`).source;

const SETUP: readonly (readonly [pattern: RegExp, says: string, next: readonly string[]])[] = [
  [/preallocated (?<entries>\d+) debug entries/, 'dma-debug has memory for this many mappings', []],
  [/debugging enabled by kernel config/, 'dma-debug is on', []],
  [/debugging disabled on kernel command line/, 'dma-debug is switched off by dma_debug=off', []],
  [
    /dma_debug_entries changed to|dma_debug_entry pool grown|Current pool size|nr_total_entries/,
    'dma-debug made room for more mappings',
    ['a number that grows without end is a leak: read /sys/kernel/debug/dma-api/dump'],
  ],
  [
    /debugging out of memory - disabling/,
    'dma-debug ran out of memory and is off until the next boot: later mistakes are not reported',
    ['a leak fills its table: look at the dump earlier, or set dma_debug_entries=N higher'],
  ],
];

/** What dma-debug reports, old and new spelling. */
export const DMA_DEBUG_RULES: readonly Rule[] = [
  ...DEBUG_FINDINGS.flatMap((finding) => [ruleFor(finding, AFTER), ruleFor(finding, BEFORE)]),
  ...SETUP.map(
    ([pattern, says, next]): Rule => ({
      id: 'dma-debug-state',
      family: 'dma-debug',
      pattern: new RegExp(`^DMA-API: ${pattern.source}`),
      account: ({ entries }) => ({
        device: null,
        severity: next.length > 0 ? 'warning' : 'info',
        says,
        fields: present({ entries: entries && Number(entries) }),
        causes: [],
        next,
        basis: ['D79', 'D83'],
      }),
    }),
  ),
  {
    id: 'dma-warning-place',
    family: 'dma-debug',
    pattern:
      /^WARNING: (?:CPU: \d+ PID: \d+ at )?(?<file>(?:lib\/dma-debug|kernel\/dma\/\w+|lib\/swiotlb|drivers\/iommu\/\S+|drivers\/pci\/p2pdma)\.c):(?<lineNumber>\d+)(?: at)? (?<call>\w+)/,
    account: ({ file, lineNumber, call }) => ({
      device: null,
      severity: 'info',
      says: `a warning of ${call}(): the line beside it says what about, the stack below it where from`,
      fields: { file: file!, sourceLine: Number(lineNumber), function: call! },
      causes: [],
      next: [],
      basis: ['D84'],
      key: call!,
    }),
  },
];

function ruleFor(finding: DebugFinding, frame: string): Rule {
  return {
    id: 'dma-debug-finding',
    family: 'dma-debug',
    pattern: new RegExp(frame.replace('(?<finding>.*)', `(?<finding>(?:${finding.pattern.source}).*)`)),
    details: /^One of leaked entries details:|^DMA-API: Mapped at:|^Mapped at:/,
    account: (parts, { details }) => account(finding, parts, details),
  };
}

function account(finding: DebugFinding, { driver, device, finding: text }: Parts, details: readonly string[]): Account {
  const isNull = device === undefined || device === 'NULL' || device === '(NULL';
  return {
    device: isNull ? null : deviceName(device),
    severity: 'error',
    says: finding.says,
    fields: present({ finding: finding.id, driver, ...bracketed([text!, ...details].join(' ')) }),
    causes: finding.causes,
    next: [
      ...finding.next,
      'dma-debug shows its first finding only: write 1 to /sys/kernel/debug/dma-api/all_errors to see the rest',
    ],
    basis: [finding.id, 'D84'],
    key: finding.id,
  };
}

/** `[map size=1536 bytes] [mapped with DMA_TO_DEVICE]` as `mapSize` and `mappedWith`. */
function bracketed(text: string): Record<string, FieldValue> {
  const fields: Record<string, FieldValue> = {};
  for (const [, name, value] of text.matchAll(/\[([a-z A-Z]+?)(?:=| (?=DMA_)|(?<=as|with) )([^\]]+)\]/g)) {
    const bare = value.replace(/ bytes$/, '');
    fields[camel(name)] = /^\d+$/.test(bare) ? Number(bare) : bare;
  }
  return fields;
}

function camel(words: string): string {
  return words.trim().replace(/ +(\w)/g, (_, letter: string) => letter.toUpperCase());
}
