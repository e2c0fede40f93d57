import { expect, it } from 'vitest';
import { AdminOpcode, NvmOpcode } from '../../spec/opcodes.ts';
import { BUFFER, RawHost } from '../../testing/raw-host.ts';
import { FileMedia, type MediaFile } from './file-media.ts';

/** A file in memory that grows as it is written. */
class MemoryFile implements MediaFile {
  bytes = new Uint8Array(0);

  read(at: number, into: Uint8Array, offset: number, lengthBytes: number): void {
    const there = this.bytes.subarray(at, at + lengthBytes);
    into.fill(0, offset, offset + lengthBytes);
    into.set(there, offset);
  }

  write(at: number, from: Uint8Array, offset: number, lengthBytes: number): void {
    if (at + lengthBytes > this.bytes.length) {
      const grown = new Uint8Array(at + lengthBytes);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes.set(from.subarray(offset, offset + lengthBytes), at);
  }
}

it('N160 keeps blocks in a file at their place, reads holes as zeroes, and clears them at a format', () => {
  const file = new MemoryFile();
  const sizeBytes = 2 ** 20;
  const host = new RawHost({ namespaces: [{ sizeBytes, media: new FileMedia(file, sizeBytes) }] });
  host.enable();
  host.createQueuePair(1);
  host.memory.fill(BUFFER, 4096, 0x6e);
  const io = { nsid: 1, prp1: BUFFER, cdw10: 16, cdw12: 7 };
  expect(host.run(1, { ...io, opcode: NvmOpcode.WRITE }).status).toBe(0);
  expect([file.bytes.length, file.bytes[8191], file.bytes[8192]]).toEqual([12288, 0, 0x6e]);
  expect(host.run(1, { ...io, opcode: NvmOpcode.READ, cdw10: 20, prp1: BUFFER + 8192 }).status).toBe(0);
  expect([host.memory.load8(BUFFER + 8192), host.memory.load8(BUFFER + 8192 + 2048)]).toEqual([0x6e, 0]);
  expect(host.run(0, { opcode: AdminOpcode.FORMAT_NVM, nsid: 1 }).status).toBe(0);
  expect(file.bytes.every((byte) => byte === 0)).toBe(true);
});
