import { barOffset } from '../config/bars.ts';
import { functionName } from '../fabric/address.ts';
import { PciFabricError } from '../fabric/errors.ts';
import type { HostWindow } from '../fabric/host-bridge.ts';
import * as H from '../spec/header.ts';
import type { ConfigWindow } from './config-access.ts';
import type { FoundFunction } from './scan-bus.ts';
import { sizeMemoryBars } from './size-bars.ts';

/** Something that needs a place in a window: a BAR, or all that is behind a bridge. */
interface Need {
  readonly sizeBytes: number;
  readonly alignBytes: number;
  /** Gives it bus addresses from `start` on, by writing config space. */
  place(start: number): void;
}

interface Needs {
  readonly memory: Need[];
  readonly prefetchable: Need[];
}

/**
 * Gives every memory BAR a bus address and opens bridge windows around what is behind them (spec T5, T6): largest
 * alignment first, so that nothing is wasted between neighbours. Bridges are enabled, endpoints are left to their
 * drivers. I/O space is not handed out.
 * @throws {PciFabricError} naming the window that is too small
 */
export function assignResources(found: readonly FoundFunction[], windows: readonly HostWindow[]): void {
  const prefetchable = windows.find(({ kind }) => kind === 'prefetchable');
  const needs = needsOf(found, prefetchable !== undefined);
  placeInWindow(
    needs.memory,
    windows.find(({ kind }) => kind === 'memory'),
    'memory',
  );
  placeInWindow(needs.prefetchable, prefetchable, 'prefetchable');
}

function placeInWindow(needs: readonly Need[], window: HostWindow | undefined, kind: string): void {
  const packed = pack(needs);
  if (packed.sizeBytes === 0) return;
  const start = window === undefined ? 0 : alignUp(window.cpuStart - (window.offset ?? 0), packed.alignBytes);
  const room = window === undefined ? 0 : window.cpuStart - (window.offset ?? 0) + window.lengthBytes - start;
  if (packed.sizeBytes > room)
    throw new PciFabricError(`the BARs need ${packed.sizeBytes} bytes of ${kind} window, there are ${room}`);
  packed.place(start);
}

function needsOf(found: readonly FoundFunction[], hasPrefetchable: boolean): Needs {
  const needs: Needs = { memory: [], prefetchable: [] };
  for (const { config, below } of found) {
    for (const bar of sizeMemoryBars(config, below === null ? 6 : 2)) {
      const { sizeBytes, index, is64 } = bar;
      const kind = bar.isPrefetchable64 && hasPrefetchable ? needs.prefetchable : needs.memory;
      kind.push({ sizeBytes, alignBytes: sizeBytes, place: (start) => writeBar(config, index, is64, start) });
    }
    if (below === null) continue;
    closeWindows(config); // whoever was here before may have left them open around nothing
    const behind = needsOf(below, hasPrefetchable);
    needs.memory.push(bridgeNeed(behind.memory, (start, end) => writeMemoryWindow(config, start, end)));
    needs.prefetchable.push(
      bridgeNeed(behind.prefetchable, (start, end) => writePrefetchableWindow(config, start, end)),
    );
    config.write(H.PCI_COMMAND, 2, H.PCI_COMMAND_MEMORY | H.PCI_COMMAND_MASTER);
  }
  return needs;
}

/** What is behind a bridge, rounded to the granule of its windows. An empty one opens no window. */
function bridgeNeed(needs: readonly Need[], open: (start: number, end: number) => void): Need {
  const packed = pack(needs);
  const sizeBytes = alignUp(packed.sizeBytes, H.BRIDGE_WINDOW_GRANULE);
  return {
    sizeBytes,
    alignBytes: Math.max(packed.alignBytes, H.BRIDGE_WINDOW_GRANULE),
    place(start) {
      if (sizeBytes === 0) return;
      open(start, start + sizeBytes);
      packed.place(start);
    },
  };
}

function pack(needs: readonly Need[]): Need {
  const order = [...needs].sort((a, b) => b.alignBytes - a.alignBytes);
  const starts: number[] = [];
  let end = 0;
  for (const need of order) {
    const start = need.sizeBytes === 0 ? end : alignUp(end, need.alignBytes);
    starts.push(start);
    end = start + need.sizeBytes;
  }
  return {
    sizeBytes: end,
    alignBytes: order.reduce(
      (most, { sizeBytes, alignBytes }) => (sizeBytes > 0 ? Math.max(most, alignBytes) : most),
      1,
    ),
    place(start) {
      for (const [i, need] of order.entries()) need.place(start + starts[i]);
    },
  };
}

function alignUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

function writeBar(config: ConfigWindow, index: number, is64: boolean, start: number): void {
  if (!is64 && start >= 2 ** 32)
    throw new PciFabricError(
      `${functionName(config.domain, config.rid)}: BAR ${index} has 32 bits and was given 0x${start.toString(16)}`,
    );
  config.write(barOffset(index), 4, start % 2 ** 32);
  if (is64) config.write(barOffset(index + 1), 4, Math.floor(start / 2 ** 32));
}

/** Base above limit (spec T6). */
function closeWindows(config: ConfigWindow): void {
  for (const [base, limit] of [
    [H.PCI_MEMORY_BASE, H.PCI_MEMORY_LIMIT],
    [H.PCI_PREF_MEMORY_BASE, H.PCI_PREF_MEMORY_LIMIT],
  ]) {
    config.write(base, 2, 0xfff0);
    config.write(limit, 2, 0);
  }
  config.write(H.PCI_PREF_BASE_UPPER32, 4, 0);
  config.write(H.PCI_PREF_LIMIT_UPPER32, 4, 0);
}

function writeMemoryWindow(config: ConfigWindow, start: number, end: number): void {
  config.write(H.PCI_MEMORY_BASE, 2, windowRegister(start));
  config.write(H.PCI_MEMORY_LIMIT, 2, windowRegister(end - 1));
}

function writePrefetchableWindow(config: ConfigWindow, start: number, end: number): void {
  config.write(H.PCI_PREF_MEMORY_BASE, 2, windowRegister(start));
  config.write(H.PCI_PREF_MEMORY_LIMIT, 2, windowRegister(end - 1));
  config.write(H.PCI_PREF_BASE_UPPER32, 4, Math.floor(start / 2 ** 32));
  config.write(H.PCI_PREF_LIMIT_UPPER32, 4, Math.floor((end - 1) / 2 ** 32));
}

/** Address bits 31:20 in register bits 15:4 (spec T6). */
function windowRegister(address: number): number {
  return ((address % 2 ** 32) >>> 20) << 4;
}
