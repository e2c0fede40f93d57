import { get, getAddress, halves } from '../../spec/bits.ts';
import { Gcmd, Rtaddr } from '../../spec/vtd-registers.ts';
import { VtdCapabilities } from '../../vtd/capabilities.ts';
import { RegisterFields } from '../register-fields.ts';

/** What a walk has to know of a VT-d unit's registers. */
export interface VtdRegisters {
  /** Physical address of the root table. */
  readonly rootTable: number;
  /** RTADDR.TTM: 0 legacy, 1 scalable, 3 abort (spec H14). */
  readonly tableMode: number;
  readonly capabilities: VtdCapabilities;
  /** GSTS.TES: off, devices reach memory untranslated whatever the tables say. */
  readonly translationEnabled: boolean;
}

/**
 * Reads `{ "rtaddr": "0x...", "cap": ..., "ecap": ..., "gsts": ... }`, bare or under a key `registers`. Values are hex
 * strings or numbers.
 *
 * `gsts` may be the 64 bits that a wide read at offset 0x1c gives: GSTS is their low half, the high half is the low half of
 * RTADDR, the register that follows (snapshot: 01928000c4000000 = GSTS c4000000 below RTADDR 01928000).
 * @throws {WalkError} `ERR_WALK_REGISTERS`, names the field
 */
export function parseVtdRegisters(file: unknown): VtdRegisters {
  const fields = new RegisterFields(file, 'rtaddr, cap, ecap, gsts');
  const rtaddr = halves(fields.required('rtaddr'));
  const capabilities = new VtdCapabilities(fields.required('cap'), fields.required('ecap'));
  const gsts = halves(fields.required('gsts'));
  return {
    rootTable: getAddress(rtaddr.low, rtaddr.high, Rtaddr.RTA),
    tableMode: get(rtaddr.low, rtaddr.high, Rtaddr.TTM),
    capabilities,
    translationEnabled: get(gsts.low, 0, Gcmd.TE) === 1,
  };
}
