/** A device's own cache of translations (spec H11). */
export interface DeviceTlb {
  /**
   * Drops translations of a range; all of them with a length of 2^64.
   * @param pasid -1: those of requests without PASID, or of all with a global invalidation
   * @returns false when the device doesn't answer in time
   */
  invalidate(pasid: number, address: number, lengthBytes: number): boolean;
}

/** A translation request (AT = 1): asks for a page, not for a byte (spec H11). */
export interface AtsRequest {
  readonly sourceId: number;
  readonly address: number;
  readonly pasid?: number;
  /** NW: the device won't write, so the page need not be writable. */
  readonly noWrite?: boolean;
}

/** What a translation completion says (spec H11). */
export interface AtsCompletion {
  /** `unsupported`: the device may not use ATS, or the configuration is broken. */
  readonly status: 'success' | 'unsupported';
  /** Neither right: not translatable, which is no error. */
  readonly readable: boolean;
  readonly writable: boolean;
  /** Physical address of the page. */
  readonly address: number;
  readonly pageBytes: number;
}

/** The device may not use ATS, or its configuration is broken. */
export const ATS_UNSUPPORTED: AtsCompletion = {
  status: 'unsupported',
  readable: false,
  writable: false,
  address: 0,
  pageBytes: 0,
};
/** Neither right. */
export const ATS_NOT_TRANSLATABLE: AtsCompletion = { ...ATS_UNSUPPORTED, status: 'success' };
