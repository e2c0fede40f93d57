import type { EventFormat, RecordField } from './event-format.ts';

/** The bytes of one event, read by the fields of its format. */
export class RecordBytes {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #fields: EventFormat['fields'];
  readonly #isBigEndian: boolean;

  constructor(bytes: Uint8Array, fields: EventFormat['fields'], isBigEndian: boolean) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fields = fields;
    this.#isBigEndian = isBigEndian;
  }

  /** A number, or the bytes of an array; undefined when the format has no such field or the record is too short. */
  field(name: string): bigint | Uint8Array | undefined {
    const field = this.#fields.get(name);
    if (field === undefined || field.offset + field.size > this.#bytes.length) return undefined;
    if (field.location !== 'here') return this.#located(field);
    if (field.isArray) return this.#bytes.subarray(field.offset, field.offset + field.size);
    return this.#integer(this.#view, field.offset, field.size, field.isSigned);
  }

  /** A field that is a small number; 0 when it is missing. */
  number(name: string): number {
    const value = this.field(name);
    return typeof value === 'bigint' ? Number(value) : 0;
  }

  /** `count` unsigned integers of `width` bytes, or as many as the bytes hold. */
  elements(bytes: Uint8Array, width: number, count: number): bigint[] {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = Math.min(count, Math.floor(bytes.length / width));
    return Array.from({ length }, (_, n) => this.#integer(view, n * width, width, false) ?? 0n);
  }

  /** The low half of the field says where the data is, the high half how long. */
  #located(field: RecordField): Uint8Array {
    const word = this.#view.getUint32(field.offset, !this.#isBigEndian);
    const base = field.location === 'relative' ? field.offset + field.size : 0;
    const from = base + (word & 0xffff);
    return this.#bytes.subarray(from, from + (word >>> 16));
  }

  #integer(view: DataView, at: number, size: number, isSigned: boolean): bigint | undefined {
    const isLittle = !this.#isBigEndian;
    switch (size) {
      case 1:
        return BigInt(isSigned ? view.getInt8(at) : view.getUint8(at));
      case 2:
        return BigInt(isSigned ? view.getInt16(at, isLittle) : view.getUint16(at, isLittle));
      case 4:
        return BigInt(isSigned ? view.getInt32(at, isLittle) : view.getUint32(at, isLittle));
      case 8:
        return isSigned ? view.getBigInt64(at, isLittle) : view.getBigUint64(at, isLittle);
      default:
        return undefined;
    }
  }
}
