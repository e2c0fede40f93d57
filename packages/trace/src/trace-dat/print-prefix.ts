import { encodeUtf8 } from '../log/utf8.ts';
import type { RecordBytes } from './record-bytes.ts';

/** Bits of `common_flags`; what they print as is in the kernel's Documentation/trace/ftrace.rst. */
const IRQS_OFF = 0x01;
const NEED_RESCHED_LAZY = 0x02;
const NEED_RESCHED = 0x04;
const HARDIRQ = 0x08;
const SOFTIRQ = 0x10;
const PREEMPT_RESCHED = 0x20;
const NMI = 0x40;
const BH_OFF = 0x80;

/** Resched characters by NEED_RESCHED, PREEMPT_RESCHED and NEED_RESCHED_LAZY as bits 0, 1, 2. */
const RESCHED = '.npNlbLB';

/** The part of a line before the event's name (spec D95). */
export function printPrefix(comm: string, cpu: number, nanos: number, record: RecordBytes): string {
  const padding = ' '.repeat(Math.max(0, 16 - encodeUtf8(comm).length));
  const task = `${padding}${comm}-${String(record.number('common_pid')).padEnd(7)}`;
  const flags = flagCharacters(record.number('common_flags'), record.number('common_preempt_count'));
  return `${task} [${String(cpu).padStart(3, '0')}] ${flags} ${timeText(nanos)}: `;
}

function flagCharacters(flags: number, preemptCount: number): string {
  const has = (bit: number): boolean => (flags & bit) !== 0;
  const irqs = has(IRQS_OFF) ? (has(BH_OFF) ? 'D' : 'd') : has(BH_OFF) ? 'b' : '.';
  const resched = (has(NEED_RESCHED) ? 1 : 0) + (has(PREEMPT_RESCHED) ? 2 : 0) + (has(NEED_RESCHED_LAZY) ? 4 : 0);
  return `${irqs}${RESCHED[resched]}${context(has)}${depth(preemptCount & 15)}${depth(preemptCount >> 4)}`;
}

function context(has: (bit: number) => boolean): string {
  if (has(NMI)) return has(HARDIRQ) ? 'Z' : 'z';
  if (has(HARDIRQ)) return has(SOFTIRQ) ? 'H' : 'h';
  return has(SOFTIRQ) ? 's' : '.';
}

function depth(count: number): string {
  return count === 0 ? '.' : count.toString(16);
}

/** Seconds and microseconds. spec gap: D95 does not say how nanoseconds are rounded; we take the nearest. */
function timeText(nanos: number): string {
  const micros = Math.round(nanos / 1000);
  const seconds = Math.floor(micros / 1e6);
  return `${String(seconds).padStart(5)}.${String(micros - seconds * 1e6).padStart(6, '0')}`;
}
