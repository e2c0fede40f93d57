import { expect, it } from 'vitest';
import * as blk from '../../block/bio/block-status.ts';
import { nvmeErrorStatus } from './nvme-status.ts';

it.each([
  [blk.BLK_STS_OK, [0x000]],
  [blk.BLK_STS_NOSPC, [0x081]],
  [blk.BLK_STS_TARGET, [0x080, 0x021, 0x082]],
  [blk.BLK_STS_NOTSUPP, [0x180, 0x001, 0x002, 0x00b]],
  [blk.BLK_STS_MEDIUM, [0x280, 0x281, 0x287, 0x286, 0x182, 0x285]],
  [blk.BLK_STS_PROTECTION, [0x282, 0x283, 0x284, 0x181]],
  [blk.BLK_STS_RESV_CONFLICT, [0x083]],
  [blk.BLK_STS_TRANSPORT, [0x370]],
  [blk.BLK_STS_ZONE_ACTIVE_RESOURCE, [0x1bd]],
  [blk.BLK_STS_ZONE_OPEN_RESOURCE, [0x1be]],
  [blk.BLK_STS_IOERR, [0x004, 0x006, 0x00f, 0x371, 0x7ff]],
])('N92 gives block status %i for NVMe %j, whatever DNR, MORE and CRD say', (status, codes) => {
  for (const code of codes) {
    expect(nvmeErrorStatus(code)).toBe(status);
    expect(nvmeErrorStatus(code | 0x7800)).toBe(status);
  }
});
