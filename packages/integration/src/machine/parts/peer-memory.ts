import type { BarHandler } from '@dmalab/pci-p2p';
import { PhysMemory } from '@dmalab/phys-memory';

/** A BAR that is nothing but memory, and takes up no more of ours than was written to: GPUs offer tens of GiB. */
export class PeerMemory implements BarHandler {
  /** What it holds, from address 0 on. */
  readonly memory: PhysMemory;

  constructor(sizeBytes: number) {
    this.memory = new PhysMemory({ spans: [{ start: 0, end: sizeBytes - 1 }] });
  }

  readRegister(offset: number): number {
    return this.memory.load32(offset);
  }

  writeRegister(offset: number, value: number): void {
    this.memory.store32(offset, value);
  }

  readBlock(offset: number, into: Uint8Array, at: number, lengthBytes: number): number {
    this.memory.read(offset, into, at, lengthBytes);
    return 0;
  }

  writeBlock(offset: number, from: Uint8Array, at: number, lengthBytes: number): number {
    this.memory.write(offset, from, at, lengthBytes);
    return 0;
  }
}
