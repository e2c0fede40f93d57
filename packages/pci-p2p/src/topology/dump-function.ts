/** What a dump does not say. */
export const UNKNOWN = -2;

/** A memory BAR in a dump. */
export interface DumpBar {
  readonly index: number;
  readonly address: number;
  /** 0 where the dump does not say (raw config space does not). */
  readonly sizeBytes: number;
  readonly isPrefetchable: boolean;
  readonly is64: boolean;
}

/** One function as far as a dump tells: anything may be missing, since dumps are cut short or made without privilege. */
export interface DumpFunction {
  domain: number;
  rid: number;
  /** The dump's own words for it: class, vendor and device names. */
  text: string;
  /** Or `UNKNOWN`. */
  vendor: number;
  device: number;
  /** Class and subclass, 16 bits, or `UNKNOWN`. */
  classCode: number;
  /** Spec T2, `CONVENTIONAL_PCI`, or `UNKNOWN`. */
  portType: number;
  /** Bus numbers of a bridge, else null. */
  buses: { readonly secondary: number; readonly subordinate: number } | null;
  /** Words of the ACS capability; null where there is none or `acsKnown` is false. */
  acs: { readonly capability: number; control: number } | null;
  /** False where the dump could not see extended capabilities. */
  acsKnown: boolean;
  bars: DumpBar[];
  /** False where the dump could not see BARs. */
  barsKnown: boolean;
  /** Where a PF's enabled VFs are: requester ids from its own on. */
  virtualFunctions: { readonly count: number; readonly offset: number; readonly stride: number } | null;
  driver: string | null;
}

/** A function of which nothing is known yet but its place. */
export function emptyFunction(domain: number, rid: number, text: string): DumpFunction {
  return {
    ...{ domain, rid, text, vendor: UNKNOWN, device: UNKNOWN, classCode: UNKNOWN, portType: UNKNOWN },
    ...{ buses: null, acs: null, acsKnown: false, bars: [], barsKnown: false, virtualFunctions: null, driver: null },
  };
}

/** What a reader found, and what it had to leave out. */
export interface Dump {
  readonly functions: DumpFunction[];
  /** In words, with line numbers. */
  readonly remarks: string[];
}
