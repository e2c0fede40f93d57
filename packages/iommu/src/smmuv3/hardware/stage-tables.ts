import { TXSZ_MAX, TXSZ_MIN } from '../../spec/smmuv3-paging.ts';
import { SMMU_ADDRESS_BITS } from '../../spec/smmuv3-registers.ts';
import type { SmmuCapabilities } from '../capabilities.ts';

/** Tables of one stage as a context descriptor or stream table entry describes them, settled when that was read. */
export interface StageTables {
  /** log2 of the granule: 12, 14 or 16. */
  readonly granuleShift: number;
  /** log2 of the entries in a whole table. */
  readonly strideBits: number;
  readonly startLevel: number;
  /** First address that the tables don't translate. */
  readonly inputLimit: number;
  /** Physical address of the top table, or intermediate physical in nested translation. */
  readonly root: number;
  /** First address that an entry may not point at: min(IPS or S2PS, OAS). */
  readonly outputLimit: number;
  /** AFFD: an access flag of 0 is no fault. */
  readonly ignoresAccessFlag: boolean;
  /** HA, HD: hardware updates entries. */
  readonly updatesAccess: boolean;
  readonly updatesDirty: boolean;
  /** HAD: permissions in table entries say nothing. */
  readonly ignoresTableRights: boolean;
  /** WXN: what is writable can't be executed. */
  readonly writableNeverExecutes: boolean;
}

/** log2 of what one entry of that level covers (spec H63). */
export function levelShift(granuleShift: number, level: number): number {
  return granuleShift + (3 - level) * (granuleShift - 3);
}

/** Level of the top table of stage 1 for an input width (spec H63). */
export function stage1StartLevel(granuleShift: number, inputBits: number): number {
  return 4 - Math.floor((inputBits - 4) / (granuleShift - 3));
}

/**
 * Level of the top table of stage 2 by STE.S2SL0, or -1 when it doesn't suit the input width: up to 16 tables lie side by
 * side at the top (spec H65).
 */
export function stage2StartLevel(granuleShift: number, startField: number, inputBits: number): number {
  const level = (granuleShift === 12 ? 2 : 3) - startField;
  if (startField === 3 || level < 0) return -1;
  const indexBits = inputBits - levelShift(granuleShift, level);
  return indexBits >= 1 && indexBits <= granuleShift - 3 + 4 ? level : -1;
}

/** First byte of a top table whose base field holds `base`: tables are aligned to their size (spec H63). */
export function alignedRoot(base: number, granuleShift: number, startLevel: number, inputBits: number): number {
  const bytes = Math.max(64, 8 * 2 ** (inputBits - levelShift(granuleShift, startLevel)));
  return base - (base % bytes);
}

/** Is it a TxSZ that exists (spec H63)? */
export function isTxsz(value: number): boolean {
  return value >= TXSZ_MIN && value <= TXSZ_MAX;
}

/** May a block stand at that level (spec H64)? 64 KiB tables have one more level of blocks where addresses have 52 bits. */
export function allowsBlock(granuleShift: number, level: number, outputLimit: number): boolean {
  if (level === 2) return true;
  return level === 1 && (granuleShift === 12 || (granuleShift === 16 && outputLimit === 2 ** 52));
}

/** First address past what IPS or S2PS and the unit's own width let out (spec H65). */
export function outputLimitOf(encoded: number, { outputBits }: SmmuCapabilities): number {
  return 2 ** Math.min(SMMU_ADDRESS_BITS[encoded] ?? outputBits, outputBits);
}

export function hasGranule(granuleShift: number, { granules }: SmmuCapabilities): boolean {
  return granuleShift !== 0 && (granules & (2 ** granuleShift)) !== 0;
}
