import { expect, it } from 'vitest';
import { parseEventFormat } from './event-format.ts';
import { printEvent } from './print-event.ts';
import { RecordBytes } from './record-bytes.ts';

const FIELDS = `name: x
ID: 1
format:
	field:u32 dev;	offset:0;	size:4;	signed:0;
	field:int err;	offset:4;	size:4;	signed:1;
	field:unsigned long attrs;	offset:8;	size:8;	signed:0;
	field:char rwbs[8];	offset:16;	size:8;	signed:0;
	field:__data_loc u64[] addrs;	offset:24;	size:4;	signed:0;
	field:__rel_loc char[] near;	offset:28;	size:4;	signed:0;

print fmt: `;

function bytes(): Uint8Array {
  const record = new Uint8Array(56);
  const view = new DataView(record.buffer);
  view.setUint32(0, (259 << 20) | 3, true);
  view.setInt32(4, -12, true);
  view.setBigUint64(8, 0x8000000000000401n, true);
  record.set([0x57, 0x53], 16);
  view.setUint32(24, (16 << 16) | 32, true);
  view.setUint32(28, (3 << 16) | 16, true);
  view.setBigUint64(32, 0x1000n, true);
  view.setBigUint64(40, 0xffffffffffffffffn, true);
  record.set([0x61, 0x62, 0], 48);
  return record;
}

it.each([
  [
    '"%d,%d %s", ((unsigned int) ((REC->dev) >> 20)), ((unsigned int) ((REC->dev) & ((1U << 20) - 1))), REC->rwbs',
    '259,3 WS',
  ],
  ['"err=%d %i %u %x", REC->err, REC->err, REC->err, REC->err', 'err=-12 -12 4294967284 fffffff4'],
  ['"%lld %llu %#llx", REC->err, REC->attrs, REC->attrs', '-12 9223372036854776833 0x8000000000000401'],
  [
    '"%s", __print_flags(REC->attrs, "|", {(1UL << 10), "MMIO"}, { 0x2, "WEAK" }, { 1, "ONE" })',
    'MMIO|ONE|0x8000000000000000',
  ],
  ['"%s", (REC->attrs) ? __print_flags(REC->attrs & 1, "|", { 1, "ONE" }) : "none"', 'ONE'],
  ['"%s", REC->err == 0 ? "yes" : "no"', 'no'],
  ['"%s %s", __print_symbolic(REC->err, { -12, "ENOMEM" }), __print_symbolic(5, { 4, "four" })', 'ENOMEM 0x5'],
  ['"%s", __print_array(__get_dynamic_array(addrs), __get_dynamic_array_len(addrs) / sizeof_u64, 8)', undefined],
  [
    '"%s", __print_array(__get_dynamic_array(addrs), __get_dynamic_array_len(addrs) / 8, 8)',
    '{0x1000,0xffffffffffffffff}',
  ],
  ['"%s %s", __get_rel_str(near), __print_hex(REC->rwbs, 3)', 'ab 57 53 00'],
  [
    '"[%5d|%-5d|%05d|%+d|%3s|%.1s|%c|%%|%016lx]", 7, 7, -7, 7, "a", "bcd", 65, 10',
    '[    7|7    |-0007|+7|  a|b|A|%|000000000000000a]',
  ],
  ['"%hhu %hu %o %X %*d", 511, 65537, 8, 255, 4, 1', '255 1 10 FF    1'],
  ['"%p" "%s" "\\n\\"", REC->attrs, "!"', '8000000000000401!\n"'],
  ['"%d %d %d %d", 7 / 2, 7 % 0, !0, ~0', '3 0 1 -1'],
  ['"%d %d %d", 1 || 0 && 0, 2 > 1 != 0, (u8)257 + (s8)255', '1 1 0'],
  ['"%d", REC->rwbs[1]', '83'],
  ['"%s", kernel_function(REC->dev)', undefined],
  ['"%d", REC->absent', undefined],
  ['"%d", ENUM_NAME', undefined],
  ['"%d", @', undefined],
  ['"%d", (1', undefined],
  ['REC->dev', undefined],
])('prints %s', (print, text) => {
  const format = parseEventFormat(FIELDS + print)!;
  expect(printEvent(format, new RecordBytes(bytes(), format.fields, false))).toBe(text);
});
