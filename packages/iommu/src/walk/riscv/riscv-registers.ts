import { get, halves } from '../../spec/bits.ts';
import { RiscvCaps, RiscvDdtp, RiscvDdtpMode } from '../../spec/riscv-registers.ts';
import { RegisterFields } from '../register-fields.ts';

/** What a walk has to know of a RISC-V IOMMU's registers. */
export interface RiscvRegisters {
  /** Physical address of the root of the device directory. */
  readonly directory: number;
  /** Its levels, 1 to 3; 0 when there is none. */
  readonly levels: number;
  /** Requests pass untranslated (BARE); without directory and this they are all blocked (OFF). */
  readonly isBare: boolean;
  /** Device contexts have 64 bytes, not 32. */
  readonly isExtended: boolean;
}

/**
 * Reads `{ "ddtp": "0x...", "capabilities": "0x..." }`, bare or under a key `registers`, values hex strings or numbers: the
 * registers at offsets 0x10 and 0 (spec H90). `capabilities` says which of two formats device contexts have.
 * @throws {WalkError} `ERR_WALK_REGISTERS`, names the field
 */
export function parseRiscvRegisters(file: unknown): RiscvRegisters {
  const fields = new RegisterFields(file, 'ddtp (or 0x10) and capabilities (or caps, 0x0)');
  const ddtp = halves(fields.required('ddtp', '0x0010', '0x010', '0x10'));
  const capabilities = halves(fields.required('capabilities', 'caps', 'cap', '0x0000', '0x000', '0x0'));
  const mode = get(ddtp.low, ddtp.high, RiscvDdtp.MODE);
  return {
    directory: get(ddtp.low, ddtp.high, RiscvDdtp.PPN) * 4096,
    levels: Math.max(mode - RiscvDdtpMode.LEVELS_1 + 1, 0),
    isBare: mode === RiscvDdtpMode.BARE,
    isExtended: get(capabilities.low, capabilities.high, RiscvCaps.MSI_FLAT) === 1,
  };
}
