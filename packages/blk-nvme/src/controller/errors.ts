/** A controller was described with a value that no controller can have. */
export class ControllerOptionsError extends RangeError {
  readonly code = 'ERR_NVME_CONTROLLER_OPTIONS';
  readonly option: string;
  readonly value: number;

  constructor(option: string, value: number, least: number, most: number) {
    super(`NVMe controller option ${option} is ${value}: it must be a whole number from ${least} to ${most}`);
    this.name = 'ControllerOptionsError';
    this.option = option;
    this.value = value;
  }
}
