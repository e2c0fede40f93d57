/**
 * The three kinds of address that must never be mixed up (spec P2): what the CPU calls a byte, what a device puts on
 * the bus for it, and the number of a page frame. All are plain numbers at run time; the brands exist for the compiler.
 */

declare const physBrand: unique symbol;
declare const dmaBrand: unique symbol;
declare const pfnBrand: unique symbol;

/** A CPU physical address in bytes, 0 to 2^52 - 1. */
export type PhysAddr = number & { readonly [physBrand]: true };

/** What a device puts on the bus: an IOVA where an IOMMU translates, else a bus address. 0 to 2^52 - 1, or {@link DMA_MAPPING_ERROR}. */
export type DmaAddr = number & { readonly [dmaBrand]: true };

/** A page frame number: physical address divided by 4096. */
export type Pfn = number & { readonly [pfnBrand]: true };

/** log2 of the page size (spec P1). */
export const PAGE_SHIFT = 12;
/** Bytes in a page (spec P1). */
export const PAGE_SIZE = 4096;
/** The model's address width; wider addresses are misuse of the model, whatever hardware would do. */
export const ADDRESS_BITS = 52;
/** One past the highest address that the model can express. */
export const ADDRESS_LIMIT = 2 ** ADDRESS_BITS;

/** `DMA_MAPPING_ERROR`: the all-ones address that a failed mapping returns (spec D2); prints as ffffffffffffffff. */
export const DMA_MAPPING_ERROR = -1 as DmaAddr;

/** A number that is not an address the model can express. */
export class AddressError extends RangeError {
  readonly code = 'ERR_ADDRESS';
  readonly value: number | bigint;

  constructor(kind: string, value: number | bigint) {
    super(`${describe(value)} is not a ${kind}: it must be a whole number from 0 to 2^${ADDRESS_BITS} - 1`);
    this.name = 'AddressError';
    this.value = value;
  }
}

/** @throws {AddressError} when the value is not a whole number below 2^52 */
export function physAddr(value: number | bigint): PhysAddr {
  return checked('physical address', value) as PhysAddr;
}

/** @throws {AddressError} when the value is not a whole number below 2^52 */
export function dmaAddr(value: number | bigint): DmaAddr {
  return checked('DMA address', value) as DmaAddr;
}

/** @throws {AddressError} when the value is not a whole number below 2^52 */
export function pfn(value: number | bigint): Pfn {
  return checked('page frame number', value) as Pfn;
}

function checked(kind: string, value: number | bigint): number {
  const number = Number(value);
  if (!(number >= 0 && number < ADDRESS_LIMIT && Number.isInteger(number))) throw new AddressError(kind, value);
  return number;
}

function describe(value: number | bigint): string {
  return typeof value === 'bigint' || Number.isInteger(value) ? `0x${value.toString(16)}` : String(value);
}
