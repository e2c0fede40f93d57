import { expect, it } from 'vitest';
import { parseFields } from './event-format.ts';
import { printPrefix } from './print-prefix.ts';
import { RecordBytes } from './record-bytes.ts';

const FIELDS = parseFields(`
	field:unsigned char common_flags;	offset:0;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:1;	size:1;	signed:0;
	field:int common_pid;	offset:2;	size:4;	signed:1;
`);

function flags(bits: number, count: number): string {
  const prefix = printPrefix(
    'fio',
    1,
    4_447_572_499,
    new RecordBytes(Uint8Array.of(bits, count, 9, 0, 0, 0), FIELDS, false),
  );
  return /^ {13}fio-9 {7}\[001\] (\S{5}) {5}4\.447572: $/.exec(prefix)![1]!;
}

it.each([
  [0x00, 0x00, '.....'],
  [0x01, 0x00, 'd....'],
  [0x80, 0x00, 'b....'],
  [0x81, 0x00, 'D....'],
  [0x04, 0x00, '.n...'],
  [0x20, 0x00, '.p...'],
  [0x24, 0x00, '.N...'],
  [0x02, 0x00, '.l...'],
  [0x06, 0x00, '.b...'],
  [0x22, 0x00, '.L...'],
  [0x26, 0x00, '.B...'],
  [0x10, 0x00, '..s..'],
  [0x08, 0x01, '..h1.'],
  [0x18, 0x0f, '..Hf.'],
  [0x40, 0x30, '..z.3'],
  [0x48, 0x00, '..Z..'],
])('D95 prints flags %i and counts %i as %s', (bits, count, text) => {
  expect(flags(bits, count)).toBe(text);
});
