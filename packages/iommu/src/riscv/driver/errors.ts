/** The unit lacks what the caller asked for. */
export class RiscvUnsupportedError extends Error {
  readonly code = 'ERR_RISCV_UNSUPPORTED';
  readonly feature: string;

  constructor(feature: string) {
    super(`this unit has no ${feature}`);
    this.name = 'RiscvUnsupportedError';
    this.feature = feature;
  }
}

/** The unit never showed the state that a register write asked for. */
export class RiscvRegisterError extends Error {
  readonly code = 'ERR_RISCV_REGISTER';
  readonly offset: number;
  readonly value: number;

  constructor(offset: number, value: number) {
    super(`the unit did not act on register 0x${offset.toString(16)}: it still reads 0x${value.toString(16)}`);
    this.name = 'RiscvRegisterError';
    this.offset = offset;
    this.value = value;
  }
}

/** The unit didn't execute its command queue. */
export class RiscvCommandTimeoutError extends Error {
  readonly code = 'ERR_RISCV_COMMAND_TIMEOUT';
  /** `cqcsr`. */
  readonly status: number;

  constructor(status: number) {
    super(`the unit did not finish its command queue: cqcsr is 0x${status.toString(16)}`);
    this.name = 'RiscvCommandTimeoutError';
    this.status = status;
  }
}
