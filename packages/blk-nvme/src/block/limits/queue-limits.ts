import { EINVAL } from '../bio/errno.ts';

const PAGE = 4096;
const UNLIMITED_SEGMENT = 0xffffffff;
const MIN_SECTORS = 8;
/** Without a wish of the driver a request is at most 4 MiB (spec N5). */
const DEFAULT_MAX_SECTORS = 8192;
const BIG_IO = 4 * 2 ** 20;

/** Queue limits as a driver asks for them (spec N5). 0 means "use the default". Sizes in bytes unless named sectors. */
export interface QueueLimits {
  logicalBlockSize: number;
  physicalBlockSize: number;
  ioMin: number;
  ioOpt: number;
  maxHwSectors: number;
  maxDevSectors: number;
  /** Set by the administrator; 0 for none. */
  maxUserSectors: number;
  /** Derived: the largest request. */
  maxSectors: number;
  maxSegments: number;
  maxIntegritySegments: number;
  maxSegmentSize: number;
  /** Derived: a vector up to this size is one segment without looking closer. */
  maxFastSegmentSize: number;
  segBoundaryMask: number;
  virtBoundaryMask: number;
  /** A mask; 511 when 0. */
  dmaAlignment: number;
  chunkSectors: number;
  maxHwDiscardSectors: number;
  maxUserDiscardSectors: number;
  maxDiscardSectors: number;
  maxDiscardSegments: number;
  discardGranularity: number;
  maxWriteZeroesSectors: number;
  maxHwWzeroesUnmapSectors: number;
  maxUserWzeroesUnmapSectors: number;
  maxWzeroesUnmapSectors: number;
  atomicWriteHwMax: number;
  atomicWriteHwBoundary: number;
  atomicWriteHwUnitMin: number;
  atomicWriteHwUnitMax: number;
  /** Derived. */
  atomicWriteMaxSectors: number;
  atomicWriteUnitMin: number;
  atomicWriteUnitMax: number;
  writeCache: boolean;
  fua: boolean;
  atomicWrites: boolean;
  pciP2pdma: boolean;
}

/** Every limit at "use the default", as a driver starts from. */
export function emptyLimits(): QueueLimits {
  return {
    logicalBlockSize: 0,
    physicalBlockSize: 0,
    ioMin: 0,
    ioOpt: 0,
    maxHwSectors: 0,
    maxDevSectors: 0,
    maxUserSectors: 0,
    maxSectors: 0,
    maxSegments: 0,
    maxIntegritySegments: 0,
    maxSegmentSize: 0,
    maxFastSegmentSize: 0,
    segBoundaryMask: 0,
    virtBoundaryMask: 0,
    dmaAlignment: 0,
    chunkSectors: 0,
    maxHwDiscardSectors: 0,
    maxUserDiscardSectors: 0xffffffff,
    maxDiscardSectors: 0,
    maxDiscardSegments: 0,
    discardGranularity: 0,
    maxWriteZeroesSectors: 0,
    maxHwWzeroesUnmapSectors: 0,
    maxUserWzeroesUnmapSectors: 0xffffffff,
    maxWzeroesUnmapSectors: 0,
    atomicWriteHwMax: 0,
    atomicWriteHwBoundary: 0,
    atomicWriteHwUnitMin: 0,
    atomicWriteHwUnitMax: 0,
    atomicWriteMaxSectors: 0,
    atomicWriteUnitMin: 0,
    atomicWriteUnitMax: 0,
    writeCache: false,
    fua: false,
    atomicWrites: false,
    pciP2pdma: false,
  };
}

/** The smaller of two values, of which 0 means "none". */
export function minNotZero(a: number, b: number): number {
  if (a === 0) return b;
  return b === 0 ? a : Math.min(a, b);
}

/** Checks the limits and fills in what is derived, in place, in the order of spec N5: 0, or -EINVAL. */
export function validateLimits(lim: QueueLimits): number {
  if (lim.logicalBlockSize === 0) lim.logicalBlockSize = 512;
  const lbs = lim.logicalBlockSize;
  if (!isPowerOfTwo(lbs) || lbs < 512 || lbs > 65536) return EINVAL;
  lim.physicalBlockSize = Math.max(lim.physicalBlockSize, lbs);
  if (!isPowerOfTwo(lim.physicalBlockSize)) return EINVAL;
  lim.ioMin = Math.max(lim.ioMin, lim.physicalBlockSize);
  lim.ioOpt -= lim.ioOpt % lim.physicalBlockSize;
  const failed = deriveMaxSectors(lim) || deriveSegments(lim);
  if (failed !== 0) return failed;
  deriveDiscard(lim);
  if (lim.maxHwWzeroesUnmapSectors !== 0 && lim.maxHwWzeroesUnmapSectors !== lim.maxWriteZeroesSectors) return EINVAL;
  lim.maxWzeroesUnmapSectors = Math.min(lim.maxHwWzeroesUnmapSectors, lim.maxUserWzeroesUnmapSectors);
  if (lim.dmaAlignment === 0) lim.dmaAlignment = 511;
  if (lim.dmaAlignment > PAGE || (lim.dmaAlignment & (lim.dmaAlignment + 1)) !== 0) return EINVAL;
  if (!lim.writeCache) lim.fua = false;
  deriveAtomicWrites(lim);
  return 0;
}

function deriveMaxSectors(lim: QueueLimits): number {
  const lbsSectors = lim.logicalBlockSize / 512;
  if (lim.maxHwSectors === 0) lim.maxHwSectors = 255;
  if (lim.maxHwSectors < MIN_SECTORS || lim.maxHwSectors < lbsSectors) return EINVAL;
  lim.maxHwSectors -= lim.maxHwSectors % lbsSectors;
  const most = minNotZero(lim.maxHwSectors, lim.maxDevSectors);
  if (lim.maxUserSectors !== 0) {
    if (lim.maxUserSectors < MIN_SECTORS) return EINVAL;
    lim.maxSectors = Math.min(most, lim.maxUserSectors);
  } else if (lim.ioOpt > BIG_IO) {
    lim.maxSectors = Math.min(most, lim.ioOpt / 512);
  } else if (lim.ioMin > BIG_IO) {
    lim.maxSectors = Math.min(most, lim.ioMin / 512);
  } else {
    lim.maxSectors = Math.min(most, DEFAULT_MAX_SECTORS);
  }
  lim.maxSectors -= lim.maxSectors % lbsSectors;
  return 0;
}

function deriveSegments(lim: QueueLimits): number {
  if (lim.maxSegments === 0) lim.maxSegments = 128;
  if (lim.maxDiscardSegments === 0) lim.maxDiscardSegments = 1;
  if (lim.segBoundaryMask === 0) lim.segBoundaryMask = 0xffffffff;
  if (lim.segBoundaryMask < PAGE - 1) return EINVAL;
  if (lim.virtBoundaryMask !== 0) {
    if (lim.maxSegmentSize === 0) lim.maxSegmentSize = UNLIMITED_SEGMENT;
  } else {
    if (lim.maxSegmentSize === 0) lim.maxSegmentSize = 65536;
    if (lim.maxSegmentSize < PAGE) return EINVAL;
  }
  lim.maxFastSegmentSize = Math.min(lim.segBoundaryMask + 1, lim.maxSegmentSize, PAGE);
  return 0;
}

function deriveDiscard(lim: QueueLimits): void {
  lim.maxDiscardSectors = Math.min(lim.maxHwDiscardSectors, lim.maxUserDiscardSectors);
  const granularity = Math.max(lim.discardGranularity, lim.physicalBlockSize);
  lim.discardGranularity = lim.maxDiscardSectors === 0 ? 0 : granularity;
}

/** All zero unless the hardware's values make sense together; then what requests can use of them (spec N5). */
function deriveAtomicWrites(lim: QueueLimits): void {
  lim.atomicWriteMaxSectors = 0;
  lim.atomicWriteUnitMin = 0;
  lim.atomicWriteUnitMax = 0;
  if (!lim.atomicWrites || !atomicLimitsFit(lim)) return;
  // One page a vector at worst, and the first and last may be partial.
  const byVectors = Math.max(lim.maxSegments - 1, 1) * PAGE;
  const byRequest = Math.min(lim.maxHwSectors * 512, byVectors);
  lim.atomicWriteMaxSectors = Math.min(lim.atomicWriteHwMax, lim.maxHwSectors * 512) / 512;
  lim.atomicWriteUnitMin = Math.min(lim.atomicWriteHwUnitMin, byRequest);
  lim.atomicWriteUnitMax = Math.min(lim.atomicWriteHwUnitMax, 2 ** Math.floor(Math.log2(byRequest)));
}

function atomicLimitsFit(lim: QueueLimits): boolean {
  const { atomicWriteHwMax: max, atomicWriteHwUnitMin: unitMin, atomicWriteHwUnitMax: unitMax } = lim;
  const boundary = lim.atomicWriteHwBoundary;
  if (max === 0 || !isPowerOfTwo(unitMin) || !isPowerOfTwo(unitMax)) return false;
  if (unitMin > unitMax || unitMax > max || (boundary !== 0 && max > boundary)) return false;
  const chunk = lim.chunkSectors * 512;
  return chunk === 0 || boundary === 0 || chunk % boundary === 0 || boundary % chunk === 0;
}

/** Bytes of one segment that starts at `phys` (spec N6). */
export function maxSegmentAt(lim: QueueLimits, phys: number, lengthBytes: number): number {
  return Math.min(lengthBytes, boundaryRoom(lim, phys), lim.maxSegmentSize);
}

/** Bytes from `phys` to the end of its segment boundary window. */
export function boundaryRoom(lim: QueueLimits, phys: number): number {
  const mask = lim.segBoundaryMask;
  const inWindow = mask <= 0xffffffff ? (phys & mask) >>> 0 : phys % (mask + 1);
  return mask - inWindow + 1;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
