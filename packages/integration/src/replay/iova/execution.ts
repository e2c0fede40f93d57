import type { TraceLog } from '@dmalab/trace';

/** Contexts that one CPU can be nested in: task, softirq, hardirq, NMI. */
const LEVELS = 4;

/** How deep in interrupts the event was recorded: 0 in a task, 1 in a softirq, 2 in a hardirq, 3 in an NMI (spec D95). */
export function interruptLevel(log: TraceLog, event: number): number {
  const context = log.flags(event).charAt(2);
  if (context === 's') return 1;
  if (context === 'h' || context === 'H') return 2;
  return context === 'z' || context === 'Z' ? 3 : 0;
}

/**
 * A number that is equal for events of the same flow of control: a task, or one CPU's interrupts of one level.
 * What an interrupt does in the middle of a task's call must not be taken for the task's own next step (spec I240).
 */
export function flowOf(log: TraceLog, event: number): number {
  const level = interruptLevel(log, event);
  const pid = log.pid(event);
  return level === 0 && pid !== 0 ? pid * LEVELS : -(log.cpu(event) * LEVELS + level) - 1;
}
