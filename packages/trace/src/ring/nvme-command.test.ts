import { expect, it } from 'vitest';
import { commandText } from './nvme-command.ts';

const ADMIN = true;
const IO = false;
const ONES = 0xffffffff;

it.each([
  [IO, 0x02, [0x100, 0, 0xff, 0, 0, 0], 'nvme_cmd_read slba=256, len=255, ctrl=0x0, dsmgmt=0, reftag=0'],
  [
    IO,
    0x01,
    [ONES, ONES, 0x40000007, 0x11, 0x22, 0],
    'nvme_cmd_write slba=18446744073709551615, len=7, ctrl=0x4000, dsmgmt=17, reftag=34',
  ],
  [IO, 0x08, [1, 1, 2, 0, 0, 0], 'nvme_cmd_write_zeroes slba=4294967297, len=2, ctrl=0x0, dsmgmt=0, reftag=0'],
  [IO, 0x7d, [0, 0, 0, 0, 0, 0], 'nvme_cmd_zone_append slba=0, len=0, ctrl=0x0, dsmgmt=0, reftag=0'],
  [IO, 0x09, [0, 4, 0, 0, 0, 0], 'nvme_cmd_dsm nr=0, attributes=4'],
  [
    IO,
    0x00,
    [0, 0, 0, 0, 0, 0x01020304],
    'nvme_cmd_flush cdw10=00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 04 03 02 01',
  ],
  [
    ADMIN,
    0x05,
    [0x03ff0001, 0x00010003, 0, 0, 0, 0],
    'nvme_admin_create_cq cqid=1, qsize=1023, cq_flags=0x3, irq_vector=1',
  ],
  [ADMIN, 0x01, [0x03ff0001, 0x00010001, 0, 0, 0, 0], 'nvme_admin_create_sq sqid=1, qsize=1023, sq_flags=0x1, cqid=1'],
  [ADMIN, 0x00, [2, 0, 0, 0, 0, 0], 'nvme_admin_delete_sq sqid=2'],
  [ADMIN, 0x04, [2, 0, 0, 0, 0, 0], 'nvme_admin_delete_cq cqid=2'],
  [ADMIN, 0x06, [0x00050001, 0, 0, 0, 0, 0], 'nvme_admin_identify cns=1, ctrlid=5'],
  // Bit 31 is the real save bit; what shows is bit 27 (spec N111, N181).
  [ADMIN, 0x09, [0x80000007, 0x10001, 0, 0, 0, 0], 'nvme_admin_set_features fid=0x7, sv=0x0, cdw11=0x10001'],
  [ADMIN, 0x09, [0x08000007, 0, 0, 0, 0, 0], 'nvme_admin_set_features fid=0x7, sv=0x8, cdw11=0x0'],
  [ADMIN, 0x0a, [0x00000307, 0, 0, 0, 0, 0], 'nvme_admin_get_features fid=0x7, sel=0x3, cdw11=0x0'],
  [ADMIN, 0x80, [0x00000332, 0, 0, 0, 0, 0], 'nvme_admin_format_nvm lbaf=2, mset=1, pi=1, pil=1, ses=1'],
  [ADMIN, 0x86, [0x10, 0, 0x20, 0x01000030, 0, 0], 'nvme_admin_get_lba_status slba=0x10, mndw=0x20, rl=0x30, atype=1'],
  [ADMIN, 0x7c, [0, 0, 0, 0, 0, 0], `nvme_admin_dbbuf cdw10=${Array(24).fill('00').join(' ')}`],
  [ADMIN, 0xc0, [0, 0, 0, 0, 0, 0], `0xc0 cdw10=${Array(24).fill('00').join(' ')}`],
])('N111 shows admin %s opcode %i as the kernel does', (isAdmin, opcode, dwords, text) => {
  expect(commandText(isAdmin, opcode, dwords)).toBe(text);
});
