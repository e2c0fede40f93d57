/** `allocTablePage()` or `allocTable()` had nothing for something that the unit can't do without. */
export class SmmuTableMemoryError extends Error {
  readonly code = 'ERR_SMMU_NO_TABLE_MEMORY';
  readonly purpose: string;
  readonly lengthBytes: number;

  constructor(purpose: string, lengthBytes: number) {
    super(`no table memory left for ${purpose}: ${lengthBytes} bytes in a row, aligned to their number`);
    this.name = 'SmmuTableMemoryError';
    this.purpose = purpose;
    this.lengthBytes = lengthBytes;
  }
}

/** The unit lacks what the caller asked for. */
export class SmmuUnsupportedError extends Error {
  readonly code = 'ERR_SMMU_UNSUPPORTED';
  readonly feature: string;

  constructor(feature: string) {
    super(`this unit has no ${feature}`);
    this.name = 'SmmuUnsupportedError';
    this.feature = feature;
  }
}

/** The unit never showed what a register write asked for, or never worked off its commands. */
export class SmmuTimeoutError extends Error {
  readonly code = 'ERR_SMMU_TIMEOUT';
  readonly register: string;
  readonly value: number;

  constructor(register: string, value: number) {
    super(`the unit did not answer in time: ${register} is still 0x${value.toString(16)}`);
    this.name = 'SmmuTimeoutError';
    this.register = register;
    this.value = value;
  }
}
