import { parseAmdRegisters } from './amd/amd-registers.ts';
import { AmdWalkUnit } from './amd/amd-walk-unit.ts';
import { parseRiscvRegisters } from './riscv/riscv-registers.ts';
import { RiscvWalkUnit } from './riscv/riscv-walk-unit.ts';
import { parseSmmuRegisters } from './smmuv3/smmuv3-registers.ts';
import { SmmuWalkUnit } from './smmuv3/smmuv3-walk-unit.ts';
import { parseVtdRegisters } from './vtd/vtd-registers.ts';
import { VtdWalkUnit } from './vtd/vtd-walk-unit.ts';
import type { WalkUnit } from './walk-unit.ts';

/** How a register file is read, by kind of IOMMU. */
const PARSERS = {
  vtd: (file: unknown): WalkUnit => new VtdWalkUnit(parseVtdRegisters(file)),
  amd: (file: unknown): WalkUnit => new AmdWalkUnit(parseAmdRegisters(file)),
  smmuv3: (file: unknown): WalkUnit => new SmmuWalkUnit(parseSmmuRegisters(file)),
  riscv: (file: unknown): WalkUnit => new RiscvWalkUnit(parseRiscvRegisters(file)),
} as const;

/** Kinds of IOMMU whose tables can be read out of a dump. */
export type WalkKind = keyof typeof PARSERS;

export const WALK_KINDS = Object.keys(PARSERS) as readonly WalkKind[];

export function isWalkKind(text: string): text is WalkKind {
  return Object.hasOwn(PARSERS, text);
}

/**
 * A unit from its registers: an object of hex strings or numbers, bare or under a key `registers`. Which ones it takes is
 * said by the kind's own parser, and by its errors.
 * @throws {WalkError} `ERR_WALK_REGISTERS`, names the field
 */
export function parseWalkUnit(kind: WalkKind, file: unknown): WalkUnit {
  return PARSERS[kind](file);
}
