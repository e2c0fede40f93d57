/** Why a call into this package was refused. */
export type SwiotlbErrorCode =
  | 'ERR_SWIOTLB_POOL' // a pool that can't be: its range, its slot count or its areas
  | 'ERR_SWIOTLB_REQUEST' // a request that no kernel would make
  | 'ERR_SWIOTLB_NOT_MAPPED' // a free of what is not mapped
  | 'ERR_SWIOTLB_BOOT'; // a boot description with a hole in it

/** Misuse of this package. What the modelled kernel would report itself is returned, never thrown. */
export class SwiotlbError extends RangeError {
  readonly code: SwiotlbErrorCode;

  constructor(code: SwiotlbErrorCode, message: string) {
    super(message);
    this.name = 'SwiotlbError';
    this.code = code;
  }
}

/** An address as these messages print it. */
export function hex(value: number): string {
  return Number.isInteger(value) && value >= 0 ? `0x${value.toString(16)}` : String(value);
}
