import { get, getAddress, halves } from '../spec/bits.ts';
import { Gcmd, Rtaddr } from '../spec/vtd-registers.ts';
import { VtdCapabilities } from '../vtd/capabilities.ts';
import { WalkError } from './walk-error.ts';

const FIELDS = ['rtaddr', 'cap', 'ecap', 'gsts'] as const;

/** What a walk has to know of a unit's registers. */
export interface UnitRegisters {
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
export function parseUnitRegisters(file: unknown): UnitRegisters {
  const fields = registerFields(file);
  const rtaddr = halves(registerValue(fields, 'rtaddr'));
  const capabilities = new VtdCapabilities(registerValue(fields, 'cap'), registerValue(fields, 'ecap'));
  const gsts = halves(registerValue(fields, 'gsts'));
  return {
    rootTable: getAddress(rtaddr.low, rtaddr.high, Rtaddr.RTA),
    tableMode: get(rtaddr.low, rtaddr.high, Rtaddr.TTM),
    capabilities,
    translationEnabled: get(gsts.low, 0, Gcmd.TE) === 1,
  };
}

function registerFields(file: unknown): Record<string, unknown> {
  const outer = asObject(file, 'the register file');
  return 'registers' in outer ? asObject(outer['registers'], '"registers"') : outer;
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new WalkError('ERR_WALK_REGISTERS', `${what} must be an object with ${FIELDS.join(', ')} as hex strings`);
}

function registerValue(fields: Record<string, unknown>, name: string): bigint {
  const value = fields[name];
  if (value === undefined) {
    throw new WalkError('ERR_WALK_REGISTERS', `the register file lacks "${name}": it needs ${FIELDS.join(', ')}`);
  }
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === 'string' && /^(0x)?[0-9a-f]{1,16}$/i.test(value))
    return BigInt(`0x${value.replace(/^0x/i, '')}`);
  throw new WalkError(
    'ERR_WALK_REGISTERS',
    `"${name}" is ${JSON.stringify(value)}: write 64 bits in hex, as in "0xf42"`,
  );
}
