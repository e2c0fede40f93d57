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
