import { expect, it } from 'vitest';
import {
  BLK_STS_INVAL,
  BLK_STS_IOERR,
  BLK_STS_TARGET,
  blkStatusToErrno,
  blkStatusWord,
  errnoToBlkStatus,
} from './block-status.ts';
import * as op from './op.ts';

it.each([
  ['R', op.REQ_OP_READ],
  ['WS', op.REQ_OP_WRITE | op.REQ_SYNC],
  ['FF', op.REQ_OP_FLUSH | op.REQ_PREFLUSH],
  ['WFSM', op.REQ_OP_WRITE | op.REQ_FUA | op.REQ_SYNC | op.REQ_META],
  ['RA', op.REQ_OP_READ | op.REQ_RAHEAD],
  ['DS', op.REQ_OP_DISCARD | op.REQ_SYNC],
  ['WZ', op.REQ_OP_WRITE_ZEROES],
  ['N', op.REQ_OP_DRV_IN],
])('N110 prints %s', (text, opf) => {
  expect(op.rwbs(opf)).toBe(text);
});

it('N29 turns statuses into errno values and words, and errno values into the first status', () => {
  expect(blkStatusToErrno(BLK_STS_TARGET)).toBe(-121);
  expect(blkStatusWord(BLK_STS_INVAL)).toBe('invalid');
  expect(errnoToBlkStatus(-22)).toBe(BLK_STS_INVAL);
  expect(errnoToBlkStatus(-77)).toBe(BLK_STS_IOERR);
});
