/** `allocTablePage()` had no page for something that the unit can't do without. */
export class TablePagesExhaustedError extends Error {
  readonly code = 'ERR_VTD_NO_TABLE_PAGE';
  readonly purpose: string;

  constructor(purpose: string) {
    super(`no table page left for ${purpose}`);
    this.name = 'TablePagesExhaustedError';
    this.purpose = purpose;
  }
}

/** The unit lacks what the caller asked for. */
export class VtdUnsupportedError extends Error {
  readonly code = 'ERR_VTD_UNSUPPORTED';
  readonly feature: string;

  constructor(feature: string) {
    super(`this unit has no ${feature}`);
    this.name = 'VtdUnsupportedError';
    this.feature = feature;
  }
}
