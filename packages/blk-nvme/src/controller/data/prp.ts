import { join64 } from '../../spec/bits.ts';
import { SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import type { HostMemory } from './host-memory.ts';
import type { TransferRanges } from './transfer-ranges.ts';

const LIST_BYTES_MAX = 65536;

/** Follows PRP1, PRP2 and the lists behind it (spec N142). */
export class PrpReader {
  readonly #list = new Uint8Array(LIST_BYTES_MAX);
  readonly #words = new Uint32Array(this.#list.buffer);
  readonly #memory: HostMemory;
  readonly #ranges: TransferRanges;

  constructor(memory: HostMemory, ranges: TransferRanges) {
    this.#memory = memory;
    this.#ranges = ranges;
  }

  /** Fills the ranges; 0, or the status that the command ends with. `pageBytes` is what CC.MPS says. */
  resolve(sqe: Uint32Array, lengthBytes: number, pageBytes: number): number {
    const prp1 = join64(sqe[SqeWord.PRP1], sqe[SqeWord.PRP1 + 1]);
    if ((sqe[SqeWord.PRP1] & 3) !== 0) return dnr(Status.PRP_INVALID_OFFSET);
    const firstRoom = pageBytes - (prp1 & (pageBytes - 1));
    if (lengthBytes <= firstRoom) {
      this.#ranges.add(prp1, lengthBytes);
      return 0;
    }
    this.#ranges.add(prp1, firstRoom);
    const rest = lengthBytes - firstRoom;
    const prp2 = join64(sqe[SqeWord.PRP2], sqe[SqeWord.PRP2 + 1]);
    const low = sqe[SqeWord.PRP2];
    if (rest > pageBytes) {
      return (low & 7) !== 0 ? dnr(Status.PRP_INVALID_OFFSET) : this.#resolveList(prp2, rest, pageBytes);
    }
    if ((low & (pageBytes - 1)) !== 0) return dnr(Status.PRP_INVALID_OFFSET);
    this.#ranges.add(prp2, rest);
    return 0;
  }

  #resolveList(list: number, rest: number, pageBytes: number): number {
    for (;;) {
      const slots = (pageBytes - (list & (pageBytes - 1))) / 8;
      const needed = Math.min(slots, Math.ceil(rest / pageBytes));
      if (this.#memory.read(list, this.#list, 0, needed * 8) !== 0) return Status.DATA_XFER_ERROR;
      for (let slot = 0; slot < needed; slot++) {
        const entry = join64(this.#words[2 * slot], this.#words[2 * slot + 1]);
        if ((this.#words[2 * slot] & (pageBytes - 1)) !== 0) return dnr(Status.PRP_INVALID_OFFSET);
        if (slot === slots - 1 && rest > pageBytes) {
          list = entry;
          break;
        }
        const piece = Math.min(rest, pageBytes);
        this.#ranges.add(entry, piece);
        rest -= piece;
      }
      if (rest === 0) return 0;
    }
  }
}
