import type { TraceLog } from '@dmalab/trace';
import { interruptLevel } from './execution.ts';
import type { IovaOperation } from './operation.ts';

/** Events that a wide window may reach back over. */
const WIDE_EVENTS = 256;

/**
 * For each operation, the later allocations that may really have happened before it. An allocation stands at its map
 * event, a little late: interrupts of the same task on the same CPU can lie in between (spec I243). A wide window
 * admits other tasks and CPUs as well: their operations between the flow's previous event and the map event.
 */
export function moveWindows(log: TraceLog, operations: readonly IovaOperation[], wide: boolean): number[][] {
  const windows: number[][] = operations.map(() => []);
  for (const [index, operation] of operations.entries()) {
    if (operation.kind === 'free') continue;
    const from = earliestEvent(log, operation, wide);
    for (let earlier = index - 1; earlier >= 0 && operations[earlier].event >= from; earlier--) {
      if (wide || operations[earlier].cpu === operation.cpu) windows[earlier].push(index);
    }
  }
  return windows;
}

/** The first event that the allocation may have preceded. */
function earliestEvent(log: TraceLog, operation: IovaOperation, wide: boolean): number {
  const level = interruptLevel(log, operation.event);
  const pid = log.pid(operation.event);
  let earliest = operation.event;
  const limit = wide ? Math.max(0, operation.event - WIDE_EVENTS) : 0;
  for (let event = operation.event - 1; event >= limit; event--) {
    const sameCpu = log.cpu(event) === operation.cpu;
    const interrupt = sameCpu && log.pid(event) === pid && interruptLevel(log, event) > level;
    if (interrupt) earliest = event;
    else if (log.pid(event) === pid && (pid !== 0 || sameCpu))
      return earliest; // the flow's own previous event
    else if (sameCpu && !wide) return earliest;
    else if (wide) earliest = event;
  }
  return earliest;
}
