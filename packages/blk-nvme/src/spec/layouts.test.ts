import { describe, expect, it } from 'vitest';
import { type BitField, put } from './bits.ts';
import {
  Aqa,
  CapHigh,
  CapLow,
  Cc,
  Cmbloc,
  Cmbmsc,
  Cmbsz,
  Crto,
  Csts,
  doorbellOffset,
  Pmrcap,
  Pmrmscl,
  Pmrsts,
} from './registers.ts';
import {
  AbortCdw10,
  Cdw0,
  CopyCdw12,
  CreateCqCdw11,
  CreateQueueCdw10,
  CreateSqCdw11,
  DirectiveCdw11,
  DsmCdw11,
  FirmwareCommitCdw10,
  FormatCdw10,
  GetFeaturesCdw10,
  GetLogCdw10,
  GetLogCdw11,
  IdentifyCdw10,
  LbaStatusCdw13,
  NsManagementCdw10,
  ReservationCdw10,
  RwCdw12,
  SanitizeCdw10,
  SelfTestCdw10,
  SetFeaturesCdw10,
  SqeWord,
} from './sqe.ts';

type Layout = Readonly<Record<string, BitField>>;

const REGISTERS: Readonly<Record<string, Layout>> = {
  CapLow,
  CapHigh,
  Cc,
  Csts,
  Aqa,
  Cmbloc,
  Cmbsz,
  Cmbmsc,
  Crto,
  Pmrcap,
  Pmrsts,
  Pmrmscl,
};
const COMMANDS: Readonly<Record<string, Layout>> = {
  Cdw0,
  RwCdw12,
  DsmCdw11,
  CopyCdw12,
  NsManagementCdw10,
  FirmwareCommitCdw10,
  CreateQueueCdw10,
  CreateCqCdw11,
  CreateSqCdw11,
  IdentifyCdw10,
  SetFeaturesCdw10,
  GetFeaturesCdw10,
  GetLogCdw10,
  GetLogCdw11,
  AbortCdw10,
  FormatCdw10,
  SanitizeCdw10,
  SelfTestCdw10,
  DirectiveCdw11,
  LbaStatusCdw13,
  ReservationCdw10,
};

/** Sum of all fields: every bit once gives all ones. */
function tiles(layout: Layout): number {
  return Object.values(layout).reduce((sum, field) => sum + put(field, -1), 0);
}

describe('layouts', () => {
  it.each(Object.entries(REGISTERS))('N120 the fields of %s tile the word', (_name, layout) => {
    expect(tiles(layout)).toBe(0xffffffff);
  });

  it.each(Object.entries(COMMANDS))('N71 the fields of %s tile the word', (_name, layout) => {
    expect(tiles(layout)).toBe(0xffffffff);
  });

  it('N71 words lie where the submission queue entry has them', () => {
    const bytes = Object.fromEntries(Object.entries(SqeWord).map(([name, word]) => [name, 4 * word]));
    expect(bytes).toMatchObject({ NSID: 4, CDW2: 8, MPTR: 0x10, DPTR: 0x18, PRP1: 0x18, PRP2: 0x20, CDW10: 0x28 });
  });

  it.each([
    [0, 0, 0, 0x1000],
    [0, 1, 0, 0x1004],
    [3, 0, 0, 0x1018],
    [3, 1, 2, 0x1070],
  ] as const)('N51 the doorbell of queue %i, completion %i, stride 2^%i, is at %i', (qid, isCompletion, log2, at) => {
    expect(doorbellOffset(qid, isCompletion, log2)).toBe(at);
  });
});
