/** Bytes of every Identify data structure. */
export const IDENTIFY_BYTES = 4096;

/** What Identify is asked for (spec N151). */
export const Cns = {
  NS: 0x00,
  CTRL: 0x01,
  NS_ACTIVE_LIST: 0x02,
  NS_DESC_LIST: 0x03,
  CS_NS: 0x05,
  CS_CTRL: 0x06,
  CS_NS_ACTIVE_LIST: 0x07,
  NS_CS_INDEP: 0x08,
  NS_PRESENT_LIST: 0x10,
  NS_PRESENT: 0x11,
  CTRL_NS_LIST: 0x12,
  CTRL_LIST: 0x13,
  CS_LIST: 0x1c,
} as const;

/** Identify Controller: byte offsets (spec N152). */
export const IdentifyController = {
  VID: 0x00,
  SSVID: 0x02,
  SN: 0x04,
  MN: 0x18,
  FR: 0x40,
  RAB: 0x48,
  IEEE: 0x49,
  CMIC: 0x4c,
  MDTS: 0x4d,
  CNTLID: 0x4e,
  VER: 0x50,
  RTD3R: 0x54,
  RTD3E: 0x58,
  OAES: 0x5c,
  CTRATT: 0x60,
  CNTRLTYPE: 0x6f,
  FGUID: 0x70,
  CRDT1: 0x80,
  CRDT2: 0x82,
  CRDT3: 0x84,
  OACS: 0x100,
  ACL: 0x102,
  AERL: 0x103,
  FRMW: 0x104,
  LPA: 0x105,
  ELPE: 0x106,
  NPSS: 0x107,
  APSTA: 0x109,
  WCTEMP: 0x10a,
  CCTEMP: 0x10c,
  MTFA: 0x10e,
  HMPRE: 0x110,
  HMMIN: 0x114,
  TNVMCAP: 0x118,
  UNVMCAP: 0x128,
  EDSTT: 0x13c,
  KAS: 0x140,
  SANICAP: 0x148,
  HMMINDS: 0x14c,
  HMMAXD: 0x150,
  SQES: 0x200,
  CQES: 0x201,
  MAXCMD: 0x202,
  NN: 0x204,
  ONCS: 0x208,
  FUSES: 0x20a,
  FNA: 0x20c,
  VWC: 0x20d,
  AWUN: 0x20e,
  AWUPF: 0x210,
  NVSCC: 0x212,
  NWPC: 0x213,
  ACWU: 0x214,
  SGLS: 0x218,
  MNAN: 0x21c,
  SUBNQN: 0x300,
  PSD: 0x800,
} as const;

/** Optional admin commands, OACS (spec N57, N152). */
export const OACS_SECURITY = 1 << 0;
export const OACS_FORMAT = 1 << 1;
export const OACS_FIRMWARE = 1 << 2;
export const OACS_NS_MGMT = 1 << 3;
export const OACS_SELF_TEST = 1 << 4;
export const OACS_DIRECTIVES = 1 << 5;
export const OACS_DBBUF = 1 << 8;
export const OACS_LBA_STATUS = 1 << 9;
/** Sanitize capabilities, SANICAP (NVMe Base 2.0c): erase of keys, of blocks, and overwrite. */
export const SANICAP_ALL = 7;
/** Optional NVM commands, ONCS (spec N152). */
export const ONCS_COMPARE = 1 << 0;
export const ONCS_WRITE_UNCORRECTABLE = 1 << 1;
export const ONCS_DSM = 1 << 2;
export const ONCS_WRITE_ZEROES = 1 << 3;
export const ONCS_SAVE_SELECT = 1 << 4;
export const ONCS_RESERVATIONS = 1 << 5;
export const ONCS_TIMESTAMP = 1 << 6;
export const ONCS_VERIFY = 1 << 7;
export const ONCS_COPY = 1 << 8;
/** Volatile write cache, VWC (spec N152): present; broadcast flush supported is both upper bits. */
export const VWC_PRESENT = 1 << 0;
export const VWC_BROADCAST_FLUSH = 3 << 1;
/** Events the device can raise, OAES (spec N57). */
export const OAES_NS_ATTR = 1 << 8;
export const OAES_FW_ACTIVATION = 1 << 9;
/** Reservation capabilities, RESCAP (NVM 1.0c): all six types, none of which persists over a loss of power. */
export const RESCAP_ALL_TYPES = 0x7e;
/** CTRATT: extended LBA formats (spec N57). */
export const CTRATT_ELBAS = 1 << 15;

/** Identify Namespace: byte offsets (spec N152a). */
export const IdentifyNamespace = {
  NSZE: 0x00,
  NCAP: 0x08,
  NUSE: 0x10,
  NSFEAT: 0x18,
  NLBAF: 0x19,
  FLBAS: 0x1a,
  MC: 0x1b,
  DPC: 0x1c,
  DPS: 0x1d,
  NMIC: 0x1e,
  RESCAP: 0x1f,
  DLFEAT: 0x21,
  NAWUN: 0x22,
  NAWUPF: 0x24,
  NACWU: 0x26,
  NABSN: 0x28,
  NABO: 0x2a,
  NABSPF: 0x2c,
  NOIOB: 0x2e,
  NVMCAP: 0x30,
  NPWG: 0x40,
  NPWA: 0x42,
  NPDG: 0x44,
  NPDA: 0x46,
  NOWS: 0x48,
  MSSRL: 0x4a,
  MCL: 0x4c,
  MSRC: 0x50,
  NSATTR: 0x63,
  NGUID: 0x68,
  EUI64: 0x78,
  LBAF: 0x80,
} as const;

/** Entry of the LBA format table: metadata bytes, log2 of the data bytes, relative performance (spec N152a). */
export const LbaFormat = { MS: 0, LBADS: 2, RP: 3, BYTES: 4 } as const;

/** Identify CNS 05h, CSI 0: NVM command set specific namespace (spec N152a). */
export const IdentifyNvmNamespace = { LBSTM: 0x00, PIC: 0x08, ELBAF: 0x0c, NPDGL: 0x10c, NPDAL: 0x11c } as const;

/** Identify CNS 06h, CSI 0: NVM command set specific controller (spec N152a). */
export const IdentifyNvmController = {
  VSL: 0x00,
  WZSL: 0x01,
  WUSL: 0x02,
  DMRL: 0x03,
  DMRSL: 0x04,
  DMSL: 0x08,
} as const;

/** Identify CNS 08h: independent of the command set (spec N152a). */
export const IdentifyIndependent = {
  NSFEAT: 0x00,
  NMIC: 0x01,
  ANAGRPID: 0x04,
  NSATTR: 0x08,
  ENDGID: 0x0c,
  NSTAT: 0x0e,
} as const;

/** Types of namespace descriptors, CNS 03h (spec N151). */
export const NsDescriptor = { EUI64: 1, NGUID: 2, UUID: 3, CSI: 4 } as const;
