/** How a source's requests are to be translated. */
export interface EntrySetup {
  readonly kind: 'first-stage' | 'second-stage' | 'pass-through';
  /** Levels of the table; the widest that the unit has for pass-through. */
  readonly levels: number;
  readonly domainId: number;
  /** Root paging table; 0 for pass-through. */
  readonly root: number;
  /** The device may use ATS (spec H12). */
  readonly ats: boolean;
}

/** The tables that say what a source goes through, in one of the two modes (spec H16, H20). Writes memory only. */
export interface DeviceEntries {
  /** Physical address of the root table. */
  readonly rootTable: number;
  /** Writes the entry of a source that has none. */
  set(sourceId: number, setup: EntrySetup): void;
  /** Clears the entry of a source. */
  clear(sourceId: number): void;
  /** Gives back what the entry needed, once no cache can hold it any more. */
  release(sourceId: number): void;
}
