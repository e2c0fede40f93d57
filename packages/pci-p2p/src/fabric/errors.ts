/** A fabric that cannot be built as asked: says what is wrong, where, and what would be right. */
export class PciFabricError extends Error {
  readonly code = 'ERR_PCI_FABRIC';

  constructor(message: string) {
    super(message);
    this.name = 'PciFabricError';
  }
}
