/** Log page identifiers (spec N154). */
export const LogPage = {
  SUPPORTED: 0x00,
  ERROR: 0x01,
  SMART: 0x02,
  FW_SLOT: 0x03,
  CHANGED_NS: 0x04,
  CMD_EFFECTS: 0x05,
  SELF_TEST: 0x06,
  SANITIZE: 0x81,
} as const;

/** One entry of the error log, 64 bytes (spec N154). */
export const ErrorLogEntry = {
  COUNT: 0x00,
  SQID: 0x08,
  CID: 0x0a,
  STATUS: 0x0c,
  LOCATION: 0x0e,
  LBA: 0x10,
  NSID: 0x18,
  BYTES: 64,
} as const;

/** SMART / health, 512 bytes; counters are 128 bits wide, of which 64 are kept (spec N154). */
export const SmartLog = {
  CRITICAL_WARNING: 0x00,
  TEMPERATURE: 0x01,
  SPARE: 0x03,
  SPARE_THRESHOLD: 0x04,
  PERCENT_USED: 0x05,
  UNITS_READ: 0x20,
  UNITS_WRITTEN: 0x30,
  HOST_READS: 0x40,
  HOST_WRITES: 0x50,
  POWER_CYCLES: 0x70,
  POWER_ON_HOURS: 0x80,
  UNSAFE_SHUTDOWNS: 0x90,
  MEDIA_ERRORS: 0xa0,
  ERROR_LOG_ENTRIES: 0xb0,
  BYTES: 512,
} as const;

/** Sanitize status, 512 bytes (spec N154; NVMe Base 2.0c, Sanitize Status). */
export const SanitizeLog = { SPROG: 0x00, SSTAT: 0x02, SCDW10: 0x04, ESTIMATES: 0x08, BYTES: 512 } as const;

/** Device self-test, 20 results of 28 bytes each (NVMe Base 2.0c, Device Self-test). */
export const SelfTestLog = {
  OPERATION: 0,
  COMPLETION: 1,
  FIRST: 4,
  RESULTS: 20,
  RESULT_BYTES: 28,
  /** Of a result: which fields say something, and the namespace. */
  VALID: 2,
  NSID: 12,
  NSID_VALID: 1,
  /** First byte of a result that is none. */
  UNUSED: 0x0f,
  BYTES: 564,
} as const;

/** Bits of a command effects entry (spec N154). */
export const EFFECT_SUPPORTED = 1 << 0;
export const EFFECT_CONTENT = 1 << 1;
export const EFFECT_NS_INVENTORY = 1 << 2;
export const EFFECT_INVENTORY = 1 << 3;

/** Types and infos of asynchronous events (spec N95, N131). */
export const AsyncEventType = { ERROR: 0, SMART: 1, NOTICE: 2, IO_COMMAND_SET: 6 } as const;
export const AER_ERROR_INVALID_DB_REG = 0x00;
export const AER_ERROR_INVALID_DB_VALUE = 0x01;
export const AER_ERROR_PERSIST_INT_ERR = 0x03;
export const AER_NOTICE_NS_CHANGED = 0x00;
export const AER_NOTICE_FW_ACT_STARTING = 0x01;
export const AER_SANITIZE_COMPLETED = 0x01;
