import type { BusMasterPort } from '@dmalab/pci-p2p';
import { ControllerOptionsError } from './errors.ts';
import type { Media } from './media/media.ts';

/** One namespace of the controller, at nsid = its place in the list + 1. */
export interface NamespaceOptions {
  /** Bytes of user data; a multiple of the block size. */
  readonly sizeBytes: number;
  /** Index into the LBA format table of spec N152a: 0 is 512 + 0, 4 is 4096 + 0. Default 0. */
  readonly format?: number;
  /** Metadata interleaved with the data instead of through MPTR. Default false. */
  readonly extendedMetadata?: boolean;
  /** Protection information type 0 (none) to 3 (spec N162). Default 0. */
  readonly protection?: number;
  /** Where the bytes are kept. Default: sparse memory. */
  readonly media?: Media;
  /** Write protected for good (spec N153). Default false. */
  readonly writeProtected?: boolean;
}

/**
 * Keeps time for a controller whose machine has virtual time: asked twice for each I/O command, it answers in nanoseconds
 * from now. `at` and `lengthBytes` are the blocks that a read or write names; 0 for other commands.
 */
export interface CommandTiming {
  /** From fetch to execution: for a read, until the media has the data. */
  untilExecution(opcode: number, at: number, lengthBytes: number): number;
  /** From execution, which moves the data, to the completion: until they arrived, and a write's media has them. */
  untilCompletion(opcode: number, at: number, lengthBytes: number): number;
}

/** What a controller is built as. Defaults are those of QEMU 11.1 where spec N152 lists them. */
export interface NvmeControllerOptions {
  /** All that the controller sees of its machine. */
  readonly port: BusMasterPort;
  /** Default: one of 64 MiB. */
  readonly namespaces?: readonly NamespaceOptions[];
  /** I/O queue pairs, 1 to 65534. Default 64. */
  readonly ioQueues?: number;
  /** Entries of the largest queue, 2 to 65536. Default 2048. */
  readonly queueEntries?: number;
  /** Interrupt vectors, 1 to 2048 with MSI-X. Default `ioQueues` + 1, or 1 with a wire. */
  readonly vectors?: number;
  /** The function has an interrupt wire: one vector is all that there is then (spec N134). Default false. */
  readonly interruptWire?: boolean;
  /** VS register. Default 1.4.0. */
  readonly version?: number;
  /** log2 of the largest transfer in 4 KiB pages, 0 for no limit. Default 7. */
  readonly mdts?: number;
  /** SGL support word (spec N143). Default 0x80001. */
  readonly sgls?: number;
  /** log2 of the doorbell stride in units of 4 bytes, 0 to 15. Default 0. */
  readonly doorbellStride?: number;
  /** Controller memory buffer in bytes, a multiple of 1 MiB, in BAR 2. Default 0. */
  readonly cmbBytes?: number;
  /** Persistent memory region in bytes, in BAR 4; what is written there is persistent at once. Default 0. */
  readonly pmrBytes?: number;
  /** Volatile write cache present. Default true. */
  readonly writeCache?: boolean;
  /** Keeps what a power cut would lose (spec N161). Costs a copy of each written block. Default false. */
  readonly trackDurability?: boolean;
  /** Blocks that a power cut does not tear, 0-based. Default 0. */
  readonly awupf?: number;
  /** Host memory buffer wished for, in 4 KiB pages. Default 0. */
  readonly hmpre?: number;
  /** Doorbell Buffer Config offered. Default true. */
  readonly shadowDoorbells?: boolean;
  /** Bytes that Namespace Management may make namespaces of. Default 0. */
  readonly unallocatedBytes?: number;
  /** Weighted round robin offered (spec N133). Default false. */
  readonly weightedArbitration?: boolean;
  /** NVM subsystem reset offered (spec N124). Default false. */
  readonly subsystemReset?: boolean;
  /** Failed commands are entered in the error log and say MORE (spec N172). Default false, as QEMU. */
  readonly errorLog?: boolean;
  /** Unit of the keep-alive timer in 100 ms; 0: there is none. Default 0. */
  readonly kas?: number;
  /** How long Format NVM takes. Default 0: it ends at once. */
  readonly formatNanos?: number;
  /** How long Sanitize takes. Default 0. */
  readonly sanitizeNanos?: number;
  /** How long a self-test takes. Default 2 minutes. */
  readonly selfTestNanos?: number;
  /** How long the controller stops to activate firmware; 0: only a reset does. Default 0. */
  readonly activationNanos?: number;
  /** Nanoseconds from fetch to execution of an I/O command. Default 0: at once. */
  readonly latencyNanos?: number;
  /** Media bandwidth in bytes a second, 0 for unlimited. Default 0. */
  readonly bandwidth?: number;
  /** Says when things happen, in place of the two options above. Default null: nobody does. */
  readonly timing?: CommandTiming | null;
  /** At most 20 ASCII characters. */
  readonly serial?: string;
  /** At most 40 ASCII characters. */
  readonly model?: string;
  /** At most 8 ASCII characters. */
  readonly firmware?: string;
}

/** The options with nothing left open. */
export type ControllerConfig = Required<NvmeControllerOptions>;

/** @throws {ControllerOptionsError} when a value is outside the range that its description gives */
export function settleOptions(options: NvmeControllerOptions): ControllerConfig {
  const ioQueues = options.ioQueues ?? 64;
  const config: ControllerConfig = {
    namespaces: [{ sizeBytes: 64 * 2 ** 20 }],
    ioQueues,
    queueEntries: 2048,
    vectors: options.interruptWire === true ? 1 : ioQueues + 1,
    interruptWire: false,
    version: 0x00010400,
    mdts: 7,
    sgls: 0x80001,
    doorbellStride: 0,
    cmbBytes: 0,
    pmrBytes: 0,
    writeCache: true,
    trackDurability: false,
    awupf: 0,
    hmpre: 0,
    shadowDoorbells: true,
    unallocatedBytes: 0,
    weightedArbitration: false,
    subsystemReset: false,
    errorLog: false,
    kas: 0,
    formatNanos: 0,
    sanitizeNanos: 0,
    selfTestNanos: 120e9,
    activationNanos: 0,
    latencyNanos: 0,
    bandwidth: 0,
    timing: null,
    serial: 'dmalab0',
    model: 'dmalab NVMe controller',
    firmware: '1.0',
    ...options,
  };
  inRange('ioQueues', config.ioQueues, 1, 65534);
  inRange('queueEntries', config.queueEntries, 2, 65536);
  inRange('vectors', config.vectors, 1, 2048);
  inRange('mdts', config.mdts, 0, 15);
  inRange('doorbellStride', config.doorbellStride, 0, 15);
  inRange('cmbBytes / 1 MiB', config.cmbBytes / 2 ** 20, 0, 2 ** 20 - 1);
  inRange('pmrBytes', config.pmrBytes, 0, 2 ** 40);
  inRange('unallocatedBytes', config.unallocatedBytes, 0, 2 ** 52);
  inRange('kas', config.kas, 0, 65535);
  inRange('awupf', config.awupf, 0, 65535);
  inRange('serial.length', config.serial.length, 0, 20);
  inRange('model.length', config.model.length, 0, 40);
  inRange('firmware.length', config.firmware.length, 0, 8);
  return config;
}

function inRange(name: string, value: number, least: number, most: number): void {
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    throw new ControllerOptionsError(name, value, least, most);
  }
}
