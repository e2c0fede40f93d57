import { get, getAddress } from '../../spec/bits.ts';
import { TG0_SHIFTS, TG1_SHIFTS } from '../../spec/smmuv3-paging.ts';
import { ContextDescriptor, StreamWorld } from '../../spec/smmuv3-tables.ts';
import type { SmmuCapabilities } from '../capabilities.ts';
import { alignedRoot, hasGranule, isTxsz, outputLimitOf, type StageTables, stage1StartLevel } from './stage-tables.ts';
import type { Stream } from './stream.ts';
import { Regime, type TlbSpaces } from './tlb-spaces.ts';

const { qw0, qw1 } = ContextDescriptor;

/** A context descriptor as hardware keeps it: what stage 1 of a stream, or of a substream, goes through (spec H62). */
export interface Context {
  readonly asid: number;
  /** Undefined: EPD0, so that no address translates. */
  readonly tables: StageTables | undefined;
  /** CD.R. */
  readonly recordsFaults: boolean;
  /** Where its translations are cached, and those that hold for every ASID. */
  readonly space: number;
  readonly globalSpace: number;
}

/** Decodes a descriptor of eight u32 words (of its first 32 bytes), or says that hardware can't use it: C_BAD_CD (spec H70). */
export function readContext(
  words: Uint32Array,
  stream: Stream,
  capabilities: SmmuCapabilities,
  spaces: TlbSpaces,
): Context | undefined {
  const [low, high, low1, high1] = words;
  if (!isUsable(low, high, capabilities)) return undefined;
  const disabled = get(low, high, qw0.EPD0) === 1;
  const tables = disabled ? undefined : readTables(low, high, low1, high1, capabilities);
  if (tables === undefined && !disabled) return undefined;
  const asid = get(low, high, qw0.ASID) % capabilities.asids;
  const regime = stream.world === StreamWorld.EL2 ? Regime.EL2 : Regime.EL1;
  const vmid = regime === Regime.EL2 ? 0 : stream.vmid;
  return {
    asid,
    tables,
    recordsFaults: get(low, high, qw0.R) === 1,
    space: spaces.intern(regime, vmid, asid),
    globalSpace: spaces.internGlobal(regime, vmid),
  };
}

function isUsable(low: number, high: number, capabilities: SmmuCapabilities): boolean {
  if (get(low, high, qw0.V) === 0 || get(low, high, qw0.AA64) === 0) return false;
  if (get(low, high, qw0.ENDI) === 1) return false; // little-endian tables only (IDR0.TTENDIAN)
  if (get(low, high, qw0.A) === 0 && capabilities.alwaysAborts) return false;
  if (get(low, high, qw0.S) === 1 && capabilities.neverStalls) return false;
  if (get(low, high, qw0.HA) === 1 && !capabilities.updatesAccess) return false;
  if (get(low, high, qw0.HD) === 1 && !capabilities.updatesDirty) return false;
  // The upper half of the address space: never translated here, but its fields have to be sound.
  if (get(low, high, qw0.EPD1) === 1) return true;
  return isTxsz(get(low, high, qw0.T1SZ)) && hasGranule(TG1_SHIFTS[get(low, high, qw0.TG1)], capabilities);
}

function readTables(
  low: number,
  high: number,
  low1: number,
  high1: number,
  capabilities: SmmuCapabilities,
): StageTables | undefined {
  const size = get(low, high, qw0.T0SZ);
  const granuleShift = TG0_SHIFTS[get(low, high, qw0.TG0)];
  const base = getAddress(low1, high1, qw1.TTB0);
  const outputLimit = outputLimitOf(get(low, high, qw0.IPS), capabilities);
  if (!isTxsz(size) || !hasGranule(granuleShift, capabilities) || base >= outputLimit) return undefined;
  const inputBits = 64 - size;
  const startLevel = stage1StartLevel(granuleShift, inputBits);
  const updatesAccess = get(low, high, qw0.HA) === 1;
  return {
    granuleShift,
    strideBits: granuleShift - 3,
    startLevel,
    inputLimit: 2 ** inputBits,
    root: alignedRoot(base, granuleShift, startLevel, inputBits),
    outputLimit,
    ignoresAccessFlag: get(low, high, qw0.AFFD) === 1,
    updatesAccess,
    updatesDirty: updatesAccess && get(low, high, qw0.HD) === 1,
    ignoresTableRights: get(low1, high1, qw1.HAD0) === 1,
    writableNeverExecutes: get(low, high, qw0.WXN) === 1,
  };
}
