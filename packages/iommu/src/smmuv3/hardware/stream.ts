import { get, getAddress } from '../../spec/bits.ts';
import { TG0_SHIFTS } from '../../spec/smmuv3-paging.ts';
import {
  ContextTableFormat,
  StreamAts,
  StreamConfig,
  StreamOverride,
  StreamTableEntry,
} from '../../spec/smmuv3-tables.ts';
import type { SmmuCapabilities } from '../capabilities.ts';
import type { Context } from './context.ts';
import { alignedRoot, hasGranule, isTxsz, outputLimitOf, type StageTables, stage2StartLevel } from './stage-tables.ts';
import { NO_ASID, Regime, type TlbSpaces } from './tlb-spaces.ts';

const { qw0, qw1, qw2, qw3 } = StreamTableEntry;

/** A stream table entry as hardware keeps it, with the context descriptors that were read through it (spec H61). */
export interface Stream {
  readonly streamId: number;
  /** One of `StreamConfig`; anything below 4 drops requests. */
  readonly config: number;
  readonly contextFormat: number;
  readonly contextTable: number;
  /** log2 of the context descriptors. */
  readonly contextBits: number;
  readonly defaultSubstream: number;
  readonly world: number;
  /** `StreamAts.OFF` or `FULL`. */
  readonly ats: number;
  /** What takes the place of the request's own attribute: a value of `StreamOverride`. */
  readonly privilege: number;
  readonly instruction: number;
  readonly vmid: number;
  /** Present where the stream has a second stage. */
  readonly stage2: StageTables | undefined;
  readonly stage2Space: number;
  /** STE.S2R. */
  readonly recordsStage2Faults: boolean;
  /** STE.S2PTW. */
  readonly keepsTablesOffDevices: boolean;
  /** By substream. */
  readonly contexts: Map<number, Context>;
  /** Tables of context descriptors by their number, where there are two levels. */
  readonly contextTables: Map<number, number>;
}

export function usesStage1(config: number): boolean {
  return config === StreamConfig.STAGE1 || config === StreamConfig.NESTED;
}

export function usesStage2(config: number): boolean {
  return config === StreamConfig.STAGE2 || config === StreamConfig.NESTED;
}

/** Decodes an entry's first eight u32 words, or says that hardware can't use it: C_BAD_STE (spec H70). */
export function readStream(
  streamId: number,
  words: Uint32Array,
  capabilities: SmmuCapabilities,
  spaces: TlbSpaces,
): Stream | undefined {
  const [low, high, low1, high1, low2, high2, low3, high3] = words;
  const config = get(low, high, qw0.CONFIG);
  if (get(low, high, qw0.V) === 0) return undefined;
  if (usesStage1(config) && !hasSoundContexts(low, high, capabilities)) return undefined;
  const ats = capabilities.ats ? get(low1, high1, qw1.EATS) : StreamAts.OFF;
  if (ats > StreamAts.FULL) return undefined; // stage 1 alone is not on offer (IDR0.NS1ATS)
  const stage2 = usesStage2(config) ? readStage2(low2, high2, low3, high3, capabilities) : undefined;
  if (usesStage2(config) && stage2 === undefined) return undefined;
  const vmid = capabilities.stage2 ? get(low2, high2, qw2.S2VMID) % capabilities.vmids : 0;
  return {
    streamId,
    config,
    contextFormat: get(low, high, qw0.S1FMT),
    contextTable: getAddress(low, high, qw0.S1CONTEXTPTR),
    contextBits: get(low, high, qw0.S1CDMAX),
    defaultSubstream: get(low1, high1, qw1.S1DSS),
    world: get(low1, high1, qw1.STRW),
    ats,
    privilege: get(low1, high1, qw1.PRIVCFG),
    instruction: get(low1, high1, qw1.INSTCFG),
    vmid,
    stage2,
    stage2Space: stage2 === undefined ? -1 : spaces.intern(Regime.STAGE2, vmid, NO_ASID),
    recordsStage2Faults: get(low2, high2, qw2.S2R) === 1,
    keepsTablesOffDevices: get(low2, high2, qw2.S2PTW) === 1,
    contexts: new Map(),
    contextTables: new Map(),
  };
}

/** Does the stream take a plain request as it comes: unprivileged, for data? */
export function leavesAttributes({ privilege, instruction }: Stream): boolean {
  return privilege !== StreamOverride.PRIVILEGED && instruction !== StreamOverride.INSTRUCTION;
}

function hasSoundContexts(low: number, high: number, capabilities: SmmuCapabilities): boolean {
  if (!capabilities.stage1) return false;
  const bits = get(low, high, qw0.S1CDMAX);
  if (bits === 0) return true;
  const format = get(low, high, qw0.S1FMT);
  const twoLevels = format === ContextTableFormat.LEAF_4K || format === ContextTableFormat.LEAF_64K;
  if (format !== ContextTableFormat.LINEAR && !(twoLevels && capabilities.twoLevelContexts)) return false;
  return bits <= capabilities.substreamIdBits;
}

function readStage2(
  low2: number,
  high2: number,
  low3: number,
  high3: number,
  capabilities: SmmuCapabilities,
): StageTables | undefined {
  const flag = (field: { hi: number; lo: number }): boolean => get(low2, high2, field) === 1;
  if (!capabilities.stage2 || !flag(qw2.S2AA64) || flag(qw2.S2ENDI)) return undefined;
  if (flag(qw2.S2S) && capabilities.neverStalls) return undefined;
  if (flag(qw2.S2HA) && !capabilities.updatesAccess) return undefined;
  if (flag(qw2.S2HD) && !capabilities.updatesDirty) return undefined;
  const granuleShift = TG0_SHIFTS[get(low2, high2, qw2.S2TG)];
  const size = get(low2, high2, qw2.S2T0SZ);
  if (!hasGranule(granuleShift, capabilities) || !isTxsz(size)) return undefined;
  const inputBits = 64 - size;
  const startLevel = stage2StartLevel(granuleShift, get(low2, high2, qw2.S2SL0), inputBits);
  const base = getAddress(low3, high3, qw3.S2TTB);
  const outputLimit = outputLimitOf(get(low2, high2, qw2.S2PS), capabilities);
  if (startLevel < 0 || base >= outputLimit) return undefined;
  return {
    granuleShift,
    strideBits: granuleShift - 3,
    startLevel,
    inputLimit: 2 ** inputBits,
    root: alignedRoot(base, granuleShift, startLevel, inputBits),
    outputLimit,
    ignoresAccessFlag: flag(qw2.S2AFFD),
    updatesAccess: flag(qw2.S2HA),
    updatesDirty: flag(qw2.S2HA) && flag(qw2.S2HD),
    ignoresTableRights: true,
    writableNeverExecutes: false,
  };
}
