import type { HostMemory } from '../data/host-memory.ts';
import type { Media } from './media.ts';

/** A file as media need it: both calls move all the bytes or throw. Past its end a file reads as zeroes. */
export interface MediaFile {
  read(at: number, into: Uint8Array, offset: number, lengthBytes: number): void;
  write(at: number, from: Uint8Array, offset: number, lengthBytes: number): void;
}

const STAGE_BYTES = 65536;
const ZEROES = new Uint8Array(STAGE_BYTES);

/** Media in a file that the caller opened: this package itself touches no file system. */
export class FileMedia implements Media {
  readonly sizeBytes: number;
  readonly #file: MediaFile;
  readonly #stage = new Uint8Array(STAGE_BYTES);

  constructor(file: MediaFile, sizeBytes: number) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
  }

  toHost(host: HostMemory, address: number, at: number, lengthBytes: number): number {
    for (let done = 0; done < lengthBytes; done += STAGE_BYTES) {
      const piece = Math.min(lengthBytes - done, STAGE_BYTES);
      this.#file.read(at + done, this.#stage, 0, piece);
      const fault = host.write(address + done, this.#stage, 0, piece);
      if (fault !== 0) return fault;
    }
    return 0;
  }

  read(at: number, into: Uint8Array, offset: number, lengthBytes: number): void {
    this.#file.read(at, into, offset, lengthBytes);
  }

  write(at: number, from: Uint8Array, offset: number, lengthBytes: number): void {
    this.#file.write(at, from, offset, lengthBytes);
  }

  zero(at: number, lengthBytes: number): void {
    for (let done = 0; done < lengthBytes; done += STAGE_BYTES) {
      this.#file.write(at + done, ZEROES, 0, Math.min(lengthBytes - done, STAGE_BYTES));
    }
  }
}
