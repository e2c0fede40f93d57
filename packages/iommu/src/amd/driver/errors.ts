/** The unit lacks what the caller asked for. */
export class AmdUnsupportedError extends Error {
  readonly code = 'ERR_AMD_UNSUPPORTED';
  readonly feature: string;

  constructor(feature: string) {
    super(`this AMD-Vi unit has no ${feature}`);
    this.name = 'AmdUnsupportedError';
    this.feature = feature;
  }
}

/** The unit didn't do what it was told: its run bits stayed away, or a COMPLETION_WAIT was never done. */
export class AmdTimeoutError extends Error {
  readonly code = 'ERR_AMD_TIMEOUT';
  readonly status: number;

  constructor(what: string, status: number) {
    super(`the AMD-Vi unit did not finish ${what}: status 0x${status.toString(16)}`);
    this.name = 'AmdTimeoutError';
    this.status = status;
  }
}
