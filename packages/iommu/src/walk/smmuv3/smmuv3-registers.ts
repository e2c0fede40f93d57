import { SmmuCapabilities } from '../../smmuv3/capabilities.ts';
import { get, getAddress, halves } from '../../spec/bits.ts';
import { SmmuCr0, SmmuStrtabCfg, StreamTableFormat, StrtabBase } from '../../spec/smmuv3-registers.ts';
import { RegisterFields } from '../register-fields.ts';

/** What a walk has to know of an SMMUv3's registers. */
export interface SmmuRegisters {
  readonly capabilities: SmmuCapabilities;
  /** Physical address of the stream table, or of its upper level. */
  readonly streamTable: number;
  /** log2 of the streams. */
  readonly sizeBits: number;
  /** log2 of the streams in a lower table; -1 for a table of one level. */
  readonly splitBits: number;
  /** CR0.SMMUEN. */
  readonly translationEnabled: boolean;
}

/**
 * Reads `{ "strtab_base": "0x...", "strtab_base_cfg": ..., "cr0": ..., "idr0": ..., "idr1": ..., "idr5": ... }`, bare or
 * under a key `registers`. Values are hex strings or numbers.
 * @throws {WalkError} `ERR_WALK_REGISTERS`, names the field
 */
export function parseSmmuRegisters(file: unknown): SmmuRegisters {
  const fields = new RegisterFields(file, 'strtab_base, strtab_base_cfg, cr0, idr0, idr1, idr5');
  const word = (name: string): number => halves(fields.required(name)).low;
  const base = halves(fields.required('strtab_base'));
  const config = word('strtab_base_cfg');
  const cr0 = word('cr0');
  const capabilities = new SmmuCapabilities({
    idr0: word('idr0'),
    idr1: word('idr1'),
    idr3: halves(fields.optional('idr3') ?? 0n).low,
    idr5: word('idr5'),
  });
  const isTwoLevel = get(config, 0, SmmuStrtabCfg.FMT) === StreamTableFormat.TWO_LEVEL;
  return {
    capabilities,
    streamTable: getAddress(base.low, base.high, StrtabBase.ADDR),
    sizeBits: Math.min(get(config, 0, SmmuStrtabCfg.LOG2SIZE), capabilities.streamIdBits),
    splitBits: isTwoLevel ? get(config, 0, SmmuStrtabCfg.SPLIT) : -1,
    translationEnabled: get(cr0, 0, SmmuCr0.SMMUEN) === 1,
  };
}
