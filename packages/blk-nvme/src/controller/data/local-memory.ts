import { MemoryBar } from '@dmalab/pci-p2p';

/** Memory of the controller's own behind a BAR, which its commands reach while the host has told where (spec N144). */
export class LocalMemory {
  readonly bar: MemoryBar;
  /** Address as the host set it, or -1 while it is not decoded. */
  base = -1;

  constructor(sizeBytes: number) {
    this.bar = new MemoryBar(sizeBytes);
  }

  /** All of the range lies in it. */
  contains(at: number, lengthBytes: number): boolean {
    return this.base >= 0 && at >= this.base && at + lengthBytes <= this.base + this.bar.bytes.length;
  }

  read(at: number, into: Uint8Array, offset: number, lengthBytes: number): void {
    this.bar.readBlock(at - this.base, into, offset, lengthBytes);
  }

  write(at: number, from: Uint8Array, offset: number, lengthBytes: number): void {
    this.bar.writeBlock(at - this.base, from, offset, lengthBytes);
  }
}
