/** `allocTablePage()` had no page for something that the unit can't do without. */
export class TablePagesExhaustedError extends Error {
  readonly code = 'ERR_IOMMU_NO_TABLE_PAGE';
  readonly purpose: string;

  constructor(purpose: string) {
    super(`no table page left for ${purpose}`);
    this.name = 'TablePagesExhaustedError';
    this.purpose = purpose;
  }
}
