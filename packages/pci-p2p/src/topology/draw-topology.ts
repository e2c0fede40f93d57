import type { DumpNode, DumpTopology } from './dump-topology.ts';
import type { PairReport } from './pair-report.ts';
import type { FunctionReport, TopologyReport } from './topology-report.ts';

/** One letter a map type, for the matrix. */
const LETTERS: Readonly<Record<string, string>> = { BUS_ADDR: 'B', THRU_HOST_BRIDGE: 'H', NOT_SUPPORTED: '-' };

/** The tree of functions, one a line: place, type, ACS control word, the dump's own words. */
export function drawTree({ roots }: DumpTopology, report: TopologyReport): string {
  const byName = new Map(report.functions.map((item) => [item.name, item]));
  const lines: string[] = [];
  const draw = (nodes: readonly DumpNode[], indent: string): void => {
    for (const [i, node] of nodes.entries()) {
      const isLast = i === nodes.length - 1;
      lines.push(`${indent}${isLast ? '\\-' : '+-'}${describe(node, byName.get(node.name))}`);
      draw(node.children, `${indent}${isLast ? '  ' : '| '}`);
    }
  };
  for (const root of roots) {
    lines.push(`[${root.name}]`);
    draw(root.functions, ' ');
  }
  return lines.join('\n');
}

function describe({ name, dump }: DumpNode, report: FunctionReport | undefined): string {
  const buses = dump.buses === null ? '' : ` [${hex2(dump.buses.secondary)}-${hex2(dump.buses.subordinate)}]`;
  const type = report?.type === 'unknown' ? '' : ` ${report?.type}`;
  const acs = report?.acs === 'none' || report?.acs === 'unknown' ? '' : `, ACS ${report?.acs}`;
  return `${name}${buses}${type}${acs}${dump.text === '' ? '' : `  ${dump.text}`}`;
}

function hex2(value: number): string {
  return value.toString(16).padStart(2, '0');
}

/** The matrix: rows provide, columns are clients; a `?` marks what rests on something the dump does not show. */
export function drawMatrix({ peers, pairs }: TopologyReport): string {
  if (pairs.length === 0) return 'no function has memory to offer';
  const cells = new Map(pairs.map((pair) => [`${pair.provider} ${pair.client}`, pair]));
  const width = String(peers.length).length + 1;
  const providers = peers.filter((name) => cells.has(`${name} ${name}`));
  const names = Math.max(...peers.map((name) => name.length));
  const head = `${''.padEnd(names + width + 1)}${peers.map((_, i) => String(i + 1).padStart(width + 1)).join('')}`;
  const rows = providers.map((provider) => {
    const row = peers.map((client) => cellOf(cells.get(`${provider} ${client}`)).padStart(width + 1)).join('');
    return `${String(peers.indexOf(provider) + 1).padStart(width)} ${provider.padEnd(names)}${row}`;
  });
  return [head, ...rows].join('\n');
}

function cellOf(pair: PairReport | undefined): string {
  return pair === undefined ? '' : `${LETTERS[pair.type] ?? '?'}${pair.unknown.length > 0 ? '?' : ''}`;
}

/** Pairs that get the same answer for the same reason, told once. */
export function describePairs({ pairs }: TopologyReport): string {
  const groups = new Map<string, PairReport[]>();
  for (const pair of pairs) {
    if (pair.provider === pair.client && pair.type === 'BUS_ADDR') continue; // a device and its own memory
    const key = [pair.type, pair.distance, sortedWords(pair.why), ...[...pair.unknown].sort()].join('\n');
    groups.set(key, [...(groups.get(key) ?? []), pair]);
  }
  return [...groups.values()].map(describeGroup).join('\n\n');
}

/** A pair and its reverse name the same ports in another order. */
function sortedWords(text: string): string {
  return text
    .split(/[ ,;]+/)
    .sort()
    .join(' ');
}

function describeGroup(pairs: readonly PairReport[]): string {
  const [first] = pairs;
  const more = pairs.length === 1 ? '' : ` and ${pairs.length - 1} more like it`;
  return [
    `${first.provider} -> ${first.client}${more}: ${first.type}, distance ${first.distance}`,
    `  path      ${first.path.join(' > ')}`,
    `  phys API  ${first.physApi}`,
    `  page API  ${first.pageApi}`,
    ...(first.why === '' ? [] : [`  why       ${first.why}`]),
    ...(first.remedy === '' ? [] : [`  change    ${first.remedy}`]),
    ...first.unknown.map((item) => `  unknown   ${item}`),
  ].join('\n');
}

/** All of a report as text. */
export function renderTopology(topology: DumpTopology, report: TopologyReport): string {
  const parts = [
    drawTree(topology, report),
    `Pairs: rows provide memory, columns reach it. B bus address, H through the host bridge, - not supported.\n${drawMatrix(report)}`,
    describePairs(report),
    report.messages.map(({ device, text }) => `kernel: ${device === null ? '' : `${device}: `}${text}`).join('\n'),
    report.remarks.map((remark) => `note: ${remark}`).join('\n'),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}
