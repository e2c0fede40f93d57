export type PageErrorCode =
  /** The page frame has no descriptor: touching it would fault (spec P12). */
  | 'ERR_NO_PAGE_DESCRIPTOR'
  /** A free or a reference to a page that nobody holds. */
  | 'ERR_PAGE_NOT_ALLOCATED'
  | 'ERR_PAGE_ORDER'
  | 'ERR_GFP_FLAGS'
  | 'ERR_NODE'
  /** A CPU access to high memory outside a temporary mapping (spec P69). */
  | 'ERR_HIGH_MEMORY';

/** Misuse of page frames; the message names the physical range. */
export class PageError extends RangeError {
  readonly code: PageErrorCode;
  /** -1 where no page frame is at fault. */
  readonly pfn: number;

  constructor(code: PageErrorCode, pfn: number, problem: string) {
    super(pfn < 0 ? problem : `page frame 0x${pfn.toString(16)} (physical 0x${(pfn * 4096).toString(16)}): ${problem}`);
    this.name = 'PageError';
    this.code = code;
    this.pfn = pfn;
  }
}
