import { expect, it } from 'vitest';
import { Bio } from './bio.ts';
import * as op from './op.ts';
import { BIO_MAX_VECS } from './phys-vecs.ts';

it('N1 a bio takes 256 vectors and no more, and its iterator stops inside one', () => {
  const bio = new Bio().init(op.REQ_OP_WRITE, 8);
  for (let i = 0; i < BIO_MAX_VECS; i++) expect(bio.addPhys(i * 8192, 1024)).toBe(true);
  expect(bio.addPhys(0, 1024)).toBe(false);
  expect([bio.bytes, bio.sectors]).toEqual([256 * 1024, 512]);
  bio.advance(1536);
  expect([bio.sector, bio.bytes, bio.index, bio.done]).toEqual([11, 256 * 1024 - 1536, 1, 512]);
});

it.each([
  ['REQ_FAILFAST_DEV', op.REQ_FAILFAST_DEV, 8],
  ['REQ_FAILFAST_TRANSPORT', op.REQ_FAILFAST_TRANSPORT, 9],
  ['REQ_FAILFAST_DRIVER', op.REQ_FAILFAST_DRIVER, 10],
  ['REQ_SYNC', op.REQ_SYNC, 11],
  ['REQ_META', op.REQ_META, 12],
  ['REQ_NOMERGE', op.REQ_NOMERGE, 14],
  ['REQ_INTEGRITY', op.REQ_INTEGRITY, 16],
  ['REQ_FUA', op.REQ_FUA, 17],
  ['REQ_PREFLUSH', op.REQ_PREFLUSH, 18],
  ['REQ_RAHEAD', op.REQ_RAHEAD, 19],
  ['REQ_NOWAIT', op.REQ_NOWAIT, 21],
  ['REQ_POLLED', op.REQ_POLLED, 22],
  ['REQ_ATOMIC', op.REQ_ATOMIC, 27],
  ['REQ_NOUNMAP', op.REQ_NOUNMAP, 28],
] as const)('N1 %s is %i, bit %i of the op word', (_name, flag, bit) => {
  expect(flag).toBe(1 << bit);
});

it('N1 data goes to the device with odd operations', () => {
  const toDevice = [op.REQ_OP_WRITE, op.REQ_OP_DISCARD, op.REQ_OP_WRITE_ZEROES, op.REQ_OP_DRV_OUT];
  expect(toDevice.every(op.opIsWrite)).toBe(true);
  expect([op.REQ_OP_READ, op.REQ_OP_FLUSH, op.REQ_OP_DRV_IN].some(op.opIsWrite)).toBe(false);
});
