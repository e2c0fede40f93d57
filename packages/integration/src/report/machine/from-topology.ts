import type { FunctionReport, TopologyReport } from '@dmalab/pci-p2p';
import { bytes } from '../units.ts';
import type { DrawnMachine, DrawnPart, PartKind } from './drawn-machine.ts';

/** A machine as a list of its PCI functions shows it: of processors, memory and IOMMU that says nothing. */
export function drawnTopology({ functions }: TopologyReport): DrawnMachine {
  const bridges = [...new Set(functions.map(({ hostBridge }) => hostBridge))];
  return {
    title: 'What is plugged in where.',
    note: 'Each box hangs on the port above it.',
    cpus: null,
    memory: [],
    iommu: null,
    roots: bridges.map((hostBridge) => ({
      name: `host bridge ${hostBridge}`,
      windows: [],
      parts: below(
        null,
        functions.filter((each) => each.hostBridge === hostBridge),
      ),
    })),
  };
}

function below(parent: string | null, functions: readonly FunctionReport[]): DrawnPart[] {
  return functions
    .filter((each) => each.parent === parent)
    .map((each) => ({
      kind: kindOf(each),
      name: `${each.name} ${each.text.replace(/ \[[0-9a-f]{4}\]:.*| \(rev .*/, '') || each.type}`,
      note: noteOf(each),
      parts: below(each.name, functions),
    }));
}

function kindOf({ type, text }: FunctionReport): PartKind {
  if (/port|bridge/.test(type)) return 'port';
  if (/\[01[0-9a-f]{2}\]|Non-Volatile/.test(text)) return 'disk';
  return /\[(03|12)[0-9a-f]{2}\]/.test(text) ? 'peer' : 'other';
}

function noteOf({ type, acs, bars, text }: FunctionReport): string {
  const words = text.replace(/^[^\]]*\[[0-9a-f]{4}\]: /, '').replace(/ \(rev .*| \[[0-9a-f]{4}:[0-9a-f]{4}\].*/, '');
  const control = acs === 'none' || acs === 'unknown' ? '' : `, ACS ${acs}`;
  if (/port|bridge/.test(type)) return `${type}${control}`;
  const memory = bars.map(({ index, sizeBytes, address }) => `BAR ${index} ${bytes(sizeBytes)} at ${address}`);
  return [...memory, words === text ? '' : words].filter((part) => part !== '').join(', ');
}
