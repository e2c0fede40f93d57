/** Outcome of a request as the block layer sees it (spec N29). */
export const BLK_STS_OK = 0;
export const BLK_STS_NOTSUPP = 1;
export const BLK_STS_TIMEOUT = 2;
export const BLK_STS_NOSPC = 3;
export const BLK_STS_TRANSPORT = 4;
export const BLK_STS_TARGET = 5;
export const BLK_STS_RESV_CONFLICT = 6;
export const BLK_STS_MEDIUM = 7;
export const BLK_STS_PROTECTION = 8;
/** Keep the request and try again later, as {@link BLK_STS_DEV_RESOURCE}. */
export const BLK_STS_RESOURCE = 9;
export const BLK_STS_IOERR = 10;
export const BLK_STS_AGAIN = 12;
export const BLK_STS_DEV_RESOURCE = 13;
export const BLK_STS_ZONE_OPEN_RESOURCE = 14;
export const BLK_STS_ZONE_ACTIVE_RESOURCE = 15;
export const BLK_STS_OFFLINE = 16;
export const BLK_STS_DURATION_LIMIT = 17;
export const BLK_STS_INVAL = 19;

interface StatusRow {
  readonly status: number;
  readonly errno: number;
  readonly word: string;
}

/** In the order that decides which status an errno means: the first with that errno (spec N29). */
const ROWS: readonly StatusRow[] = [
  { status: BLK_STS_OK, errno: 0, word: '' },
  { status: BLK_STS_NOTSUPP, errno: -95, word: 'operation not supported' },
  { status: BLK_STS_TIMEOUT, errno: -110, word: 'timeout' },
  { status: BLK_STS_NOSPC, errno: -28, word: 'critical space allocation' },
  { status: BLK_STS_TRANSPORT, errno: -67, word: 'recoverable transport' },
  { status: BLK_STS_TARGET, errno: -121, word: 'critical target' },
  { status: BLK_STS_RESV_CONFLICT, errno: -52, word: 'reservation conflict' },
  { status: BLK_STS_MEDIUM, errno: -61, word: 'critical medium' },
  { status: BLK_STS_PROTECTION, errno: -84, word: 'protection' },
  { status: BLK_STS_RESOURCE, errno: -12, word: 'kernel resource' },
  { status: BLK_STS_IOERR, errno: -5, word: 'I/O' },
  { status: BLK_STS_AGAIN, errno: -11, word: 'nonblocking retry' },
  { status: BLK_STS_DEV_RESOURCE, errno: -16, word: 'device resource' },
  { status: BLK_STS_ZONE_OPEN_RESOURCE, errno: -109, word: 'open zones exceeded' },
  { status: BLK_STS_ZONE_ACTIVE_RESOURCE, errno: -75, word: 'active zones exceeded' },
  { status: BLK_STS_OFFLINE, errno: -19, word: 'device offline' },
  { status: BLK_STS_DURATION_LIMIT, errno: -62, word: 'duration limit exceeded' },
  { status: BLK_STS_INVAL, errno: -22, word: 'invalid' },
];

/** Negative errno, 0 for OK; an unknown status is an I/O error. */
export function blkStatusToErrno(status: number): number {
  return ROWS.find((row) => row.status === status)?.errno ?? -5;
}

export function errnoToBlkStatus(errno: number): number {
  return ROWS.find((row) => row.errno === errno)?.status ?? BLK_STS_IOERR;
}

/** The word that starts the failure's log line (spec N30). */
export function blkStatusWord(status: number): string {
  return ROWS.find((row) => row.status === status)?.word ?? 'I/O';
}
