/** The header lines that the tracer prints above events with five flag characters (spec D95). */
const COLUMNS: readonly string[] = [
  '#                                _-----=> irqs-off/BH-disabled',
  '#                               / _----=> need-resched',
  '#                              | / _---=> hardirq/softirq',
  '#                              || / _--=> preempt-depth',
  '#                              ||| / _-=> migrate-disable',
  '#                              |||| /     delay',
  '#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION',
  '#              | |         |   |||||     |         |',
];

/**
 * The header of a trace as the kernel prints it, without the last newline.
 *
 * @param entriesInBuffer events that follow
 * @param entriesWritten events that were recorded, those that were overwritten among them
 */
export function renderHeader(entriesInBuffer: number, entriesWritten: number, cpus: number): string {
  const entries = `# entries-in-buffer/entries-written: ${entriesInBuffer}/${entriesWritten}   #P:${cpus}`;
  return ['# tracer: nop', '#', entries, '#', ...COLUMNS].join('\n');
}
