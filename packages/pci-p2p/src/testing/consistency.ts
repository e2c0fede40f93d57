import { barBusAddress, barOffset, isBar64 } from '../config/bars.ts';
import { type AddressRange, memoryWindow, prefetchableWindow } from '../config/bridge-windows.ts';
import type { PciBus } from '../fabric/pci-bus.ts';
import type { PciFabric } from '../fabric/pci-fabric.ts';
import type { PciFunction } from '../fabric/pci-function.ts';

/** What one function claims on its bus, read from its bytes alone. */
export function claims(fn: PciFunction): AddressRange[] {
  const bars = (fn.description.bars ?? [])
    .filter(({ kind }) => kind !== 'io')
    .map(({ index, sizeBytes }) => {
      const start = barBusAddress(fn.config, index);
      return { start, end: start + sizeBytes };
    });
  if (!fn.isBridge) return bars;
  return [...bars, ...[memoryWindow(fn.config), prefetchableWindow(fn.config)].filter(({ start, end }) => end > start)];
}

/**
 * What is wrong with the addresses that software gave out, in words; nothing for a fabric in order: claims on a bus are
 * disjoint, aligned to their size, inside a window of the bridge above or of the host bridge, and bus numbers nest.
 */
export function inconsistencies(fabric: PciFabric): string[] {
  return fabric.hostBridges.flatMap(({ rootBus, windows }) => {
    const ranges = windows
      .filter(({ kind }) => kind !== 'io')
      .map(({ cpuStart, lengthBytes, offset = 0 }) => ({
        start: cpuStart - offset,
        end: cpuStart - offset + lengthBytes,
      }));
    return [...busProblems(rootBus, ranges, 0xff)];
  });
}

function* busProblems(bus: PciBus, windows: readonly AddressRange[], lastBus: number): Generator<string> {
  const seen: AddressRange[] = [];
  for (const fn of bus.functions) {
    for (const range of claims(fn)) {
      const text = `${fn.name} ${range.start.toString(16)}-${range.end.toString(16)}`;
      if (!windows.some(({ start, end }) => range.start >= start && range.end <= end)) yield `${text} is in no window`;
      if (seen.some(({ start, end }) => range.start < end && start < range.end)) yield `${text} overlaps`;
      seen.push(range);
    }
    yield* barProblems(fn);
    if (fn.secondaryBus === null) continue;
    const { secondaryNumber: first, subordinateNumber: last } = fn;
    if (!(first > bus.number && last >= first && last <= lastBus)) yield `${fn.name} has buses ${first}-${last}`;
    const open = [memoryWindow(fn.config), prefetchableWindow(fn.config)].filter(({ start, end }) => end > start);
    yield* busProblems(fn.secondaryBus, open, last);
  }
}

function* barProblems(fn: PciFunction): Generator<string> {
  for (const { index, kind, sizeBytes } of fn.description.bars ?? []) {
    if (kind === 'io') continue;
    const start = barBusAddress(fn.config, index);
    if (start % sizeBytes !== 0) yield `${fn.name} BAR ${index} is not aligned`;
    if (!isBar64(fn.config.read(barOffset(index), 4)) && start >= 2 ** 32) yield `${fn.name} BAR ${index} is too high`;
  }
}
