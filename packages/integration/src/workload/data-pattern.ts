/**
 * What the workload writes and expects to read back: every sector holds a pattern made from its own number and from
 * how often it was written, so that a block that is stale, misplaced or torn is told from the right one.
 */
const SECTOR_BYTES = 512;
const SECTOR_WORDS = SECTOR_BYTES / 4;
/** Sectors whose versions are kept together: 16 MiB of the disk. */
const CHUNK_SECTORS = 32768;

export class DataPattern {
  /** Times that each sector was written; 0: as the disk was laid out. A chunk is there once one of its sectors was written. */
  readonly #chunks: (Uint32Array | undefined)[];

  /** @param diskBytes size of the disk; 4 bytes are kept for each sector near one that was written */
  constructor(diskBytes: number) {
    this.#chunks = new Array(Math.ceil(diskBytes / SECTOR_BYTES / CHUNK_SECTORS));
  }

  /** Advances the sectors of a write and fills in what it must carry. `words` views the buffer from its start. */
  fillForWrite(words: Int32Array, offsetBytes: number, lengthBytes: number): void {
    const first = offsetBytes / SECTOR_BYTES;
    const last = first + lengthBytes / SECTOR_BYTES;
    for (let sector = first; sector < last; sector++) this.#countWrite(sector);
    this.fill(words, offsetBytes, lengthBytes);
  }

  /** Fills in what the sectors hold now. */
  fill(words: Int32Array, offsetBytes: number, lengthBytes: number): void {
    const first = offsetBytes / SECTOR_BYTES;
    for (let i = 0; i < lengthBytes / SECTOR_BYTES; i++) {
      let word = seedOf(first + i, this.#versionOf(first + i));
      for (let w = i * SECTOR_WORDS; w < (i + 1) * SECTOR_WORDS; w++) {
        words[w] = word;
        word = (Math.imul(word, 1664525) + 1013904223) | 0;
      }
    }
  }

  /** The offset in the buffer of the first byte that is not what the sectors hold; -1 when all are. */
  firstMismatch(words: Int32Array, offsetBytes: number, lengthBytes: number): number {
    const first = offsetBytes / SECTOR_BYTES;
    for (let i = 0; i < lengthBytes / SECTOR_BYTES; i++) {
      let word = seedOf(first + i, this.#versionOf(first + i));
      for (let w = i * SECTOR_WORDS; w < (i + 1) * SECTOR_WORDS; w++) {
        if (words[w] !== word) return w * 4;
        word = (Math.imul(word, 1664525) + 1013904223) | 0;
      }
    }
    return -1;
  }

  #versionOf(sector: number): number {
    return this.#chunks[Math.floor(sector / CHUNK_SECTORS)]?.[sector % CHUNK_SECTORS] ?? 0;
  }

  #countWrite(sector: number): void {
    const chunk = Math.floor(sector / CHUNK_SECTORS);
    this.#chunks[chunk] ??= new Uint32Array(CHUNK_SECTORS);
    this.#chunks[chunk][sector % CHUNK_SECTORS]++;
  }
}

/** First word of a sector; the words after it follow by a linear congruence (Numerical Recipes' constants). */
function seedOf(sector: number, version: number): number {
  return Math.imul(sector ^ 0x5bd1e995, 0x9e3779b1) ^ Math.imul(version + 1, 0x85ebca6b);
}
