/** Feature identifiers (spec N153). */
export const Feature = {
  ARBITRATION: 0x01,
  POWER_MGMT: 0x02,
  LBA_RANGE: 0x03,
  TEMP_THRESH: 0x04,
  ERR_RECOVERY: 0x05,
  VOLATILE_WC: 0x06,
  NUM_QUEUES: 0x07,
  IRQ_COALESCE: 0x08,
  IRQ_CONFIG: 0x09,
  WRITE_ATOMIC: 0x0a,
  ASYNC_EVENT: 0x0b,
  AUTO_PST: 0x0c,
  HOST_MEM_BUF: 0x0d,
  TIMESTAMP: 0x0e,
  KATO: 0x0f,
  HOST_BEHAVIOR: 0x16,
  SW_PROGRESS: 0x80,
  HOST_ID: 0x81,
  WRITE_PROTECT: 0x84,
} as const;

/** SEL of Get Features (spec N153). */
export const FeatureSelect = { CURRENT: 0, DEFAULT: 1, SAVED: 2, CAPABILITIES: 3 } as const;

/** Bytes of the data that a feature carries besides cdw11; absent means none (spec N153). */
export const FEATURE_DATA_BYTES: Readonly<Record<number, number>> = {
  [Feature.AUTO_PST]: 256,
  [Feature.TIMESTAMP]: 8,
  [Feature.HOST_BEHAVIOR]: 512,
  [Feature.HOST_ID]: 8,
};
