/** A description of a function that no hardware could have: says which function, what is wrong and what would be right. */
export class PciDescriptionError extends RangeError {
  readonly code = 'ERR_PCI_DESCRIPTION';

  constructor(message: string) {
    super(message);
    this.name = 'PciDescriptionError';
  }
}
