import type { Diagnosis, Exposure, FlushQueueUse, IovaUse, PoolPressure, SlotHolder } from '@dmalab/integration';
import { bytes, figure } from '../output.ts';

const MOST_HOLDERS_SHOWN = 3;
const MOST_FAILURES_SHOWN = 5;
const PAGE = 4096;

/** How bounce buffers, IOVA space and flush queue fared, in a few lines each. */
export function printDiagnosis({ swiotlb, iova }: Diagnosis): void {
  if (swiotlb !== undefined) printPressure(swiotlb);
  for (const domain of iova) printIovaUse(domain);
}

function printPressure(pressure: PoolPressure): void {
  const { slotCount, areaCount, highWater, failures, firstFailures, foreignArea, longestHeldMicros } = pressure;
  console.log(
    `\nbounce pool: ${figure(highWater.usedSlots)} of ${figure(slotCount)} slots at most, at ${place(highWater)}`,
  );
  console.log(`  then held by ${holders(highWater.holders)}`);
  console.log(`  longest held: ${millis(longestHeldMicros)}`);
  if (areaCount > 1) console.log(`  served by another CPU's area: ${figure(foreignArea)}`);
  console.log(`  mappings that found no slots: ${failures === 0 ? 'none' : figure(failures)}`);
  for (const failure of firstFailures.slice(0, MOST_FAILURES_SHOWN)) {
    const { device, wantedSlots, longestFreeRun, usedSlots } = failure;
    console.log(
      `    line ${failure.line}: ${device} wanted ${wantedSlots} slots, the longest free run had ${longestFreeRun}; ` +
        `${figure(usedSlots)} in use, held by ${holders(failure.holders)}`,
    );
  }
}

function printIovaUse(domain: IovaUse): void {
  const { devices, highWater, fromCaches, fromTree, lowestPage } = domain;
  console.log(
    `\nIOVA space of ${devices.join(', ')}: ${bytes(highWater.pages * PAGE)} at most, at ${place(highWater)}, in ` +
      `${figure(highWater.ranges)} ranges over ${bytes(highWater.spanPages * PAGE)} with ${figure(highWater.holes)} holes`,
  );
  console.log(
    `  ${figure(fromCaches)} addresses came from the caches, ${figure(fromTree)} from the tree; lowest 0x${(lowestPage * PAGE).toString(16)}`,
  );
  if (domain.flushQueue !== null) printFlushQueue(domain.flushQueue);
  printExposure(domain.exposure);
}

function printFlushQueue(queue: FlushQueueUse): void {
  const { timerFlushes, forcedFlushes, rangesQueued, mostWaiting, mostWaitingLine, stillWaiting } = queue;
  console.log(
    `  flush queue: ${figure(rangesQueued)} ranges in ${figure(timerFlushes)} flushes by the timer and ` +
      `${figure(forcedFlushes)} by a full ring; ${figure(mostWaiting)} waited at most (line ${mostWaitingLine}), ` +
      `${figure(stillWaiting)} when the trace ends`,
  );
}

function printExposure(exposure: Exposure): void {
  const { deferredUnmaps, immediateUnmaps, pages, meanMicros, longestMicros, worstPages, pagesReused } = exposure;
  console.log(
    `  ${figure(immediateUnmaps)} unmaps waited for their invalidation, ${figure(deferredUnmaps)} did not` +
      (deferredUnmaps === 0 ? '' : `: mean ${millis(meanMicros)}, longest ${millis(longestMicros)}`),
  );
  const [worst] = worstPages;
  if (worst !== undefined) {
    console.log(
      `  ${figure(pages)} pages stayed reachable after an unmap, ${worst.page} most: ${millis(worst.totalMicros)} in ` +
        `${figure(worst.times)} times; ${figure(pagesReused)} times one was mapped again meanwhile`,
    );
  }
  if (exposure.mostBytesBeside > 0) {
    console.log(
      `  beside its buffers the device reached ${bytes(exposure.mostBytesBeside)} more at once (line ${exposure.mostBytesBesideLine})`,
    );
  }
}

function holders(all: readonly SlotHolder[]): string {
  const shown = all.slice(0, MOST_HOLDERS_SHOWN);
  const words = shown.map(
    ({ device, task, slots, mappings }) =>
      `${device} for ${task} (${figure(slots)} slots in ${figure(mappings)} mappings)`,
  );
  const others = all.length - shown.length;
  return words.length === 0 ? 'nobody' : words.join(', ') + (others > 0 ? ` and ${others} others` : '');
}

function place({ line, micros }: { readonly line: number; readonly micros: number }): string {
  return `line ${line} (${(micros / 1e6).toFixed(6)} s)`;
}

function millis(micros: number): string {
  return `${(micros / 1000).toFixed(1)} ms`;
}
