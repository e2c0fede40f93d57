import { type Field, highHalf, lowHalf } from '../../spec/bits.ts';
import { TG0_SHIFTS } from '../../spec/smmuv3-paging.ts';
import { SMMU_ADDRESS_BITS } from '../../spec/smmuv3-registers.ts';
import {
  ContextDescriptor,
  SHCFG_INCOMING,
  StreamAts,
  StreamConfig,
  StreamTableEntry,
} from '../../spec/smmuv3-tables.ts';
import type { SmmuDomain } from './smmu-domain.ts';
import type { EntryWords } from './stream-entries.ts';

/** Table walks: inner and outer write-back, inner shareable, as Linux has them everywhere (spec H61, H62). */
const WRITE_BACK = 1;
const INNER_SHAREABLE = 3;
/** Memory types by index: not cached, cached, device, and cached outside alone (spec H62). */
const LINUX_MAIR = 0xf404ff44;
const { qw0: S0, qw1: S1, qw2: S2 } = StreamTableEntry;
const { qw0: C0 } = ContextDescriptor;

/** A qword as the halves of its fields. */
function qword(...fields: readonly (readonly [Field, number])[]): [number, number] {
  let low = 0;
  let high = 0;
  for (const [field, value] of fields) {
    low |= lowHalf(field, value);
    high |= highHalf(field, value);
  }
  return [low >>> 0, high >>> 0];
}

function address(phys: number): [number, number] {
  return [phys % 2 ** 32, Math.floor(phys / 2 ** 32)];
}

/** The entry of a stream with one context descriptor at that address (spec H61: 0xd4). */
export function stage1Entry(context: number, ats: boolean): EntryWords {
  const [low, high] = qword([S0.V, 1], [S0.CONFIG, StreamConfig.STAGE1]);
  const [contextLow, contextHigh] = address(context);
  const attributes = qword(
    [S1.S1CIR, WRITE_BACK],
    [S1.S1COR, WRITE_BACK],
    [S1.S1CSH, INNER_SHAREABLE],
    [S1.EATS, ats ? StreamAts.FULL : StreamAts.OFF],
  );
  return [low + contextLow, high + contextHigh, ...attributes, 0, 0, 0, 0];
}

/** The entry of a stream behind a stage 2 domain (spec H61, H65). */
export function stage2Entry(domain: SmmuDomain, vmid: number, outputBits: number, ats: boolean): EntryWords {
  const { granuleShift, inputBits, levels } = domain;
  const control = qword(
    [S2.S2VMID, vmid],
    [S2.S2T0SZ, 64 - inputBits],
    [S2.S2SL0, granuleShift === 12 ? levels - 2 : levels - 1],
    [S2.S2IR0, WRITE_BACK],
    [S2.S2OR0, WRITE_BACK],
    [S2.S2SH0, INNER_SHAREABLE],
    [S2.S2TG, TG0_SHIFTS.indexOf(granuleShift as 12)],
    [S2.S2PS, SMMU_ADDRESS_BITS.indexOf(outputBits as 32)],
    [S2.S2AA64, 1],
    [S2.S2PTW, 1],
    [S2.S2R, 1],
  );
  const attributes = qword([S1.SHCFG, SHCFG_INCOMING], [S1.EATS, ats ? StreamAts.FULL : StreamAts.OFF]);
  const config = qword([S0.V, 1], [S0.CONFIG, StreamConfig.STAGE2]);
  return [...config, ...attributes, ...control, ...address(domain.root)];
}

/** The entry of a stream that reaches memory untranslated. */
export function bypassEntry(): EntryWords {
  return [...qword([S0.V, 1], [S0.CONFIG, StreamConfig.BYPASS]), ...qword([S1.SHCFG, SHCFG_INCOMING]), 0, 0, 0, 0];
}

/** The context descriptor of a stage 1 domain: translation by the lower half of the address space alone (spec H62). */
export function contextWords(domain: SmmuDomain, asid: number, outputBits: number): EntryWords {
  const control = qword(
    [C0.T0SZ, 64 - domain.inputBits],
    [C0.TG0, TG0_SHIFTS.indexOf(domain.granuleShift as 12)],
    [C0.IR0, WRITE_BACK],
    [C0.OR0, WRITE_BACK],
    [C0.SH0, INNER_SHAREABLE],
    [C0.EPD1, 1],
    [C0.V, 1],
    [C0.IPS, SMMU_ADDRESS_BITS.indexOf(outputBits as 32)],
    [C0.AA64, 1],
    [C0.R, 1],
    [C0.A, 1],
    [C0.ASET, 1],
    [C0.ASID, asid],
  );
  return [...control, ...address(domain.root), 0, 0, LINUX_MAIR, 0];
}
