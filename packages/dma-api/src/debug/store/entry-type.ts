/** What kind of call made a mapping (spec D80). `single` is now the type of sync lookups alone; see spec T27. */
export const EntryType = { SINGLE: 0, SG: 1, COHERENT: 2, NONCOHERENT: 3, PHY: 4, RESOURCE: 5 } as const;

/** Names that dumps and reports print. `resource` is of the page era (spec G5). */
export const ENTRY_TYPE_NAMES: readonly string[] = [
  'single',
  'scatter-gather',
  'coherent',
  'noncoherent',
  'phy',
  'resource',
];

/** Whether the caller looked at the mapping's result (spec D80). */
export const CheckState = { NOT_APPLICABLE: 0, NOT_CHECKED: 1, CHECKED: 2 } as const;

export const CHECK_STATE_NAMES: readonly string[] = [
  'dma map error check not applicable',
  'dma map error not checked',
  'dma map error checked',
];
