/** Misuse of this package's interface: never something that the modelled kernel would report (that is a return value). */
export class IommuUsageError extends RangeError {
  readonly code = 'ERR_IOMMU_USAGE';

  constructor(message: string) {
    super(message);
    this.name = 'IommuUsageError';
  }
}

/** Our own invariant broke: the state can't be trusted any more, so stop. */
export function assertInvariant(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`broken invariant: ${what}`);
}
