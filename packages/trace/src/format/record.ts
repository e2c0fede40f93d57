/**
 * The fixed-width record that holds one event, in the reader's log and in the recorder's ring alike: WIDE_STRIDE
 * doubles and NARROW_STRIDE 32-bit integers. Kinds share slots as members of a union share memory; `formats.ts` says
 * which kind uses which.
 */

/** Doubles in a record. */
export const WIDE_STRIDE = 5;
/** Microseconds. */
export const TIME = 0;
/** `dma_addr`, `iova`, `dev_addr`, or a sector. */
export const ADDRESS = 1;
/** Bytes. */
export const SIZE = 2;
/** `phys_addr`, `paddr`, `unmapped_size`. */
export const PHYS = 3;
/** End of an IOVA range, DMA mask, sector count, NVMe result. */
export const EXTRA = 4;

/** 32-bit integers in a record. */
export const NARROW_STRIDE = 18;
export const KIND = 0;
/** 1-based line in the file; 0 for an event that was recorded, not read. */
export const LINE = 1;
export const CPU = 2;
export const PID = 3;
/** Thread group, -1 where the tracer didn't know it (`(-------)`), -2 where the format has no such column. */
export const TGID = 4;
/** String number of the task name. */
export const COMM = 5;
/** String number of the flag characters. */
export const FLAGS = 6;
/** String number of the device, -1 where the event names none. */
export const DEVICE = 7;
export const DIR = 8;
/** DMA attributes, NVMe command flags, fault flags. */
export const ATTRS = 9;
/** Five small numbers whose meaning is the kind's own. */
export const N0 = 10;
export const N1 = 11;
export const N2 = 12;
export const N3 = 13;
export const N4 = 14;
export const N5 = 15;
/** Where the record's list (in doubles) or text (in bytes) starts in its pool. */
export const POOL_AT = 16;
/** Length of the text in bytes, or number of lists; lists have their lengths in N0 (DMA side) and N1 (physical side). */
export const POOL_LENGTH = 17;
