import { get } from '../../spec/bits.ts';
import { Feature } from '../../spec/features.ts';
import { OAES_FW_ACTIVATION, OAES_NS_ATTR } from '../../spec/identify.ts';
import { CapHigh } from '../../spec/registers.ts';
import { FirmwareState } from '../commands/firmware-commands.ts';
import { SanitizeState } from '../commands/sanitize.ts';
import { SelfTests } from '../commands/self-test.ts';
import { HostMemory } from '../data/host-memory.ts';
import { PrpReader } from '../data/prp.ts';
import { SglReader } from '../data/sgl.ts';
import { TransferRanges } from '../data/transfer-ranges.ts';
import { DurabilityLog } from '../media/durability.ts';
import { Namespace } from '../media/namespace.ts';
import type { ControllerConfig } from '../options.ts';
import { CompletionQueues } from '../queues/completion-queues.ts';
import { InterruptWire } from '../queues/interrupt-wire.ts';
import { OutstandingCommands } from '../queues/outstanding-commands.ts';
import { SubmissionQueues } from '../queues/submission-queues.ts';
import { RegisterFile } from '../registers/register-file.ts';
import { AsyncEvents } from './async-events.ts';
import { BackgroundWork } from './background-work.ts';
import { FaultRules } from './fault-rules.ts';
import { FeatureValues } from './features.ts';
import { Health } from './health.ts';

/** Bytes in the unit of MDTS: the smallest page, CAP.MPSMIN 0. */
const MDTS_UNIT = 4096;
const NANOS_PER_MILLI = 1e6;
/** AERL and ACL, 0-based (spec N152). */
export const ASYNC_EVENT_LIMIT = 3;
export const ABORT_LIMIT = 3;

/** Everything that the parts of one controller share. Commands are functions of this and of their 16 words. */
export class ControllerState {
  readonly config: ControllerConfig;
  readonly registers: RegisterFile;
  readonly memory: HostMemory;
  readonly sqs: SubmissionQueues;
  readonly cqs: CompletionQueues;
  readonly outstanding = new OutstandingCommands();
  readonly events = new AsyncEvents(ASYNC_EVENT_LIMIT + 1);
  readonly features: FeatureValues;
  readonly health = new Health();
  readonly faults = new FaultRules();
  readonly durability = new DurabilityLog();
  /** By nsid - 1; undefined where the id has no namespace. */
  readonly namespaces: (Namespace | undefined)[];
  /** Namespaces that exist and are attached to nobody, by id. */
  readonly detached = new Map<number, Namespace>();
  /** Room for namespaces to be created: UNVMCAP. */
  unallocatedBytes: number;
  readonly firmware = new FirmwareState();
  readonly sanitize = new SanitizeState();
  readonly selfTests = new SelfTests();
  readonly background = new BackgroundWork();
  /** When the host counts as gone: it set a timeout and is silent (spec N70). */
  keepAliveDueNanos = Number.POSITIVE_INFINITY;
  /** The interrupt wire, where the controller has one. */
  readonly wire: InterruptWire | null;
  readonly ranges = new TransferRanges();
  readonly prp: PrpReader;
  readonly sgl: SglReader;
  /** Largest transfer in bytes (spec N160). */
  readonly mdtsBytes: number;
  /** Bytes between the doorbells of a pair. */
  readonly doorbellStrideBytes: number;
  /** CC.MPS in bytes, settled when the controller is enabled. */
  pageBytes = 4096;
  /** DW0 of the completion of the command in hand. */
  result = 0;
  nowNanos = 0;
  /** Shadow doorbells and event indexes in host memory, or -1 (spec N135). */
  shadowDoorbells = -1;
  eventIndexes = -1;
  /** Namespaces that changed since the host read log page 04h. */
  readonly changedNamespaces = new Set<number>();
  /** Where data of a command that cannot go straight to the media is gathered; grows to the largest transfer seen. */
  staging = new Uint8Array(65536);

  constructor(config: ControllerConfig) {
    this.config = config;
    this.registers = new RegisterFile(config);
    this.memory = new HostMemory(config.port, config.cmbBytes, config.pmrBytes);
    this.sqs = new SubmissionQueues(config.ioQueues + 1);
    this.cqs = new CompletionQueues(config.ioQueues + 1);
    this.wire = config.interruptWire ? new InterruptWire(this) : null;
    this.features = new FeatureValues(config);
    this.namespaces = config.namespaces.map((options, i) => new Namespace(i + 1, options));
    this.unallocatedBytes = config.unallocatedBytes;
    this.prp = new PrpReader(this.memory, this.ranges);
    this.sgl = new SglReader(this.memory, this.ranges, config.sgls);
    this.mdtsBytes = config.mdts === 0 ? Number.POSITIVE_INFINITY : MDTS_UNIT * 2 ** config.mdts;
    this.doorbellStrideBytes = 4 << get(this.registers.capHigh, CapHigh.DSTRD);
  }

  /** The host is heard of: its time starts again (spec N150). */
  restartKeepAlive(): void {
    const kato = this.features.get(Feature.KATO);
    this.keepAliveDueNanos = kato === 0 ? Number.POSITIVE_INFINITY : this.nowNanos + kato * NANOS_PER_MILLI;
  }

  /** The host asked to be told of firmware that is being activated. */
  get wantsFirmwareNotices(): boolean {
    return (this.features.get(Feature.ASYNC_EVENT) & OAES_FW_ACTIVATION) !== 0;
  }

  /** The host asked to be told of changes to namespaces (spec N153, feature 0Bh). */
  get wantsNamespaceNotices(): boolean {
    return (this.features.get(Feature.ASYNC_EVENT) & OAES_NS_ATTR) !== 0;
  }

  stagingOf(lengthBytes: number): Uint8Array {
    if (this.staging.length < lengthBytes) this.staging = new Uint8Array(2 ** Math.ceil(Math.log2(lengthBytes)));
    return this.staging;
  }
}
