import {
  type Device,
  type DmaContext,
  dmaOptMappingSize,
  dmaSetMaskAndCoherent,
  dmaSetMaxSegSize,
  dmaSetMinAlignMask,
} from '@dmalab/dma-api';
import { EBUSY, ENODEV } from '../block/bio/errno.ts';
import { minNotZero, validateLimits } from '../block/limits/queue-limits.ts';
import type { RequestQueue } from '../block/queue/request-queue.ts';
import { get } from '../spec/bits.ts';
import { CapHigh, doorbellOffset } from '../spec/registers.ts';
import { Sgls } from '../spec/sgl.ts';
import { AdminCommands } from './bring-up/admin-commands.ts';
import { AdminRings, makeAdminRequestQueue } from './bring-up/admin-queue.ts';
import { ControllerMemoryBuffer, type P2pRegistration } from './bring-up/controller-memory-buffer.ts';
import { ControllerRegisters } from './bring-up/controller-registers.ts';
import { HostMemoryBuffer } from './bring-up/host-memory-buffer.ts';
import { type ControllerIdentity, parseController } from './bring-up/identify-controller.ts';
import { InterruptVectors } from './bring-up/interrupt-vectors.ts';
import { IoQueues } from './bring-up/io-queues.ts';
import { controllerLimits } from './bring-up/namespace-limits.ts';
import { scanPartitions } from './bring-up/partition-scan.ts';
import { type PciId, quirksOf } from './bring-up/quirks.ts';
import { startupCommands } from './bring-up/startup-commands.ts';
import {
  DEFAULT_NVME_PARAMETERS,
  NVME_ADMIN_TIMEOUT_NANOS,
  NVME_CTRL_PAGE_SHIFT,
  NVME_CTRL_PAGE_SIZE,
  NVME_MAX_KB_SZ,
  type NvmeParameters,
} from './constants.ts';
import type { DeviceBacking } from './device-backing.ts';
import { DriverLog } from './driver-log.ts';
import { DataMapping } from './mapping/data-mapping.ts';
import { DescriptorPools } from './mapping/descriptor-pools.ts';
import type { NvmeNamespace } from './nvme-namespace.ts';
import { NvmeQueue } from './queues/nvme-queue.ts';
import type { QueueMemory, SubmissionRing } from './queues/queue-memory.ts';
import type { ShadowDoorbells } from './queues/shadow-doorbells.ts';
import { AsyncEventHandler } from './recovery/async-event-handler.ts';
import { KeepAlive } from './recovery/keep-alive.ts';
import { NvmeState } from './recovery/nvme-state.ts';
import { Timeouts } from './recovery/timeouts.ts';
import { DiscardPages } from './requests/discard-pages.ts';
import type { NvmeIod } from './requests/nvme-iod.ts';
import { NvmeTrace } from './requests/nvme-trace.ts';
import { RequestPath } from './requests/request-path.ts';

export interface NvmeDriverOptions {
  /** The device as the DMA API knows it. */
  readonly device: Device;
  /** How to reach its registers and interrupts. */
  readonly backing: DeviceBacking;
  /** Number in `nvme0`. Default 0. */
  readonly instance?: number;
  /** Processors that submit. Default 1. */
  readonly cpus?: number;
  readonly parameters?: Partial<NvmeParameters>;
  /** Processor that reads the partition tables of new disks (spec N57, row 18); -1: nobody does. Default 0. */
  readonly scanCpu?: number;
  /** Vendor and device, for the quirks that go with them (spec N69). Default: none apply. */
  readonly pciId?: PciId;
  /** Where a controller memory buffer is registered (spec N65). Default: nowhere, so that it stays unused. */
  readonly p2p?: P2pRegistration;
  /** Start hints of the tag allocator, one a processor (spec N22). Default 0. */
  readonly tagHints?: { readonly admin?: readonly number[]; readonly io?: readonly number[] };
}

/** Time that passes in one step of a wait. */
const WAIT_STEP_NANOS = 100_000;

/**
 * The NVMe PCI driver (spec part B): probes a controller through registers, memory and interrupts alone, and offers its
 * namespaces as disks.
 *
 * ```ts
 * const driver = new NvmeDriver({ device, backing });
 * driver.probe(); // 0, or a negative errno
 * driver.disk(1).queue.submitBio(bio);
 * driver.poll(); // take completions
 * ```
 */
export class NvmeDriver {
  readonly device: Device;
  readonly backing: DeviceBacking;
  readonly parameters: NvmeParameters;
  readonly cpus: number;
  readonly name: string;
  readonly state = new NvmeState();
  readonly log: DriverLog;
  readonly trace: NvmeTrace;
  readonly vectors: InterruptVectors;
  readonly registers: ControllerRegisters;
  readonly mapping: DataMapping;
  readonly pools: DescriptorPools;
  readonly discards: DiscardPages;
  readonly adminPath: RequestPath;
  readonly ioPath: RequestPath;
  readonly adminQueue: RequestQueue<NvmeIod>;
  readonly admin: AdminCommands;
  readonly ioQueues: IoQueues;
  readonly events: AsyncEventHandler;
  readonly timeouts: Timeouts;
  readonly keepAlive: KeepAlive;
  identity: ControllerIdentity | null = null;
  /** Largest transfer in 512-byte sectors; only ever shrinks (spec N60). */
  maxHwSectors = 0;
  retryDelaysMillis: readonly number[] = [0, 0, 0];
  shadow: ShadowDoorbells | null = null;
  namespaces: NvmeNamespace[] = [];
  /** NVME_QUIRK_ bits (spec N69). */
  readonly quirks: number;
  readonly tagHints: NonNullable<NvmeDriverOptions['tagHints']>;
  readonly hmb: HostMemoryBuffer;
  readonly cmb: ControllerMemoryBuffer;
  readonly #adminRings: AdminRings;
  #waitedNanos = 0;
  readonly #scanCpu: number;

  constructor(options: NvmeDriverOptions) {
    const { device, backing } = options;
    this.device = device;
    this.backing = backing;
    this.parameters = { ...DEFAULT_NVME_PARAMETERS, ...options.parameters };
    this.cpus = options.cpus ?? 1;
    this.name = `nvme${options.instance ?? 0}`;
    this.tagHints = options.tagHints ?? {};
    this.#scanCpu = options.scanCpu ?? 0;
    const { context } = device;
    this.log = new DriverLog(context.log, this.name, this.parameters.verboseErrors);
    this.quirks = quirksOf(options.pciId);
    this.trace = new NvmeTrace(context.ring, this.name);
    this.vectors = new InterruptVectors(backing);
    this.registers = new ControllerRegisters(backing, this.log);
    this.pools = new DescriptorPools(device);
    this.mapping = new DataMapping(device, this.pools, this.parameters);
    this.discards = new DiscardPages(context);
    this.adminPath = new RequestPath(this, true);
    this.ioPath = new RequestPath(this, false);
    this.adminQueue = makeAdminRequestQueue(this);
    this.#adminRings = new AdminRings(this);
    this.admin = new AdminCommands(context, this.adminQueue, () => this.wait());
    this.ioQueues = new IoQueues(this);
    this.events = new AsyncEventHandler(this);
    this.timeouts = new Timeouts(this);
    this.keepAlive = new KeepAlive(this);
    this.hmb = new HostMemoryBuffer(this);
    this.cmb = new ControllerMemoryBuffer(this, options.p2p ?? null);
  }

  get context(): DmaContext {
    return this.device.context;
  }

  get maxRetries(): number {
    return this.parameters.maxRetries;
  }

  /** Brings the device up (spec N55): 0, or a negative errno. */
  probe(): number {
    const { device, log } = this;
    dmaSetMaskAndCoherent(device, 2 ** 52 - 1);
    dmaSetMinAlignMask(device, NVME_CTRL_PAGE_SIZE - 1);
    dmaSetMaxSegSize(device, 0xffffffff);
    this.maxHwSectors = Math.min(NVME_MAX_KB_SZ * 2, Math.floor(dmaOptMappingSize(device) / 512));
    log.info(`pci function ${this.backing.id}`);
    const error = this.#start(true);
    if (error !== 0) {
      this.state.change('DELETING');
      this.state.change('DEAD');
      return error;
    }
    if (this.#scanCpu >= 0) for (const ns of this.namespaces) scanPartitions(this, ns, this.#scanCpu);
    return 0;
  }

  /** The disk of a namespace id; undefined when there is none. */
  disk(nsid: number): NvmeNamespace | undefined {
    return this.namespaces.find((ns) => ns.nsid === nsid);
  }

  /** Looks for interrupts and takes what they announce: how many completions there were. */
  poll(): number {
    let count = 0;
    const { backing } = this;
    const { queue: adminQueue } = this.#adminRings;
    if (adminQueue !== null && backing.interruptPending(0)) count += this.adminPath.drain(adminQueue);
    for (const queue of this.ioPath.queues) {
      if (queue.vector < 0 || (queue.vector !== 0 && !backing.interruptPending(queue.vector))) continue;
      count += this.ioPath.drain(queue);
    }
    this.ioPath.runRetries();
    this.events.run();
    return count;
  }

  /** Controller reset (spec N97): 0, or a negative errno after which the controller is dead. */
  reset(): number {
    return this.state.change('RESETTING') ? this.restart() : EBUSY;
  }

  /** The reset itself, for a controller that is RESETTING: as {@link reset}. */
  restart(): number {
    this.disable(false);
    const error = this.#start(false);
    this.ioPath.unquiesce();
    if (error === 0) return 0;
    this.log.warn(`Disabling device after reset failure: ${error}`);
    this.state.change('DELETING');
    this.disable(true);
    this.ioPath.unquiesce();
    this.state.change('DEAD');
    return error;
  }

  /** Stops the controller and gives every request back (spec N96). */
  disable(shutdown: boolean): void {
    const { registers, ioQueues, adminPath, ioPath } = this;
    ioPath.quiesced = true;
    const dead = registers.isGone() || !registers.isUsable();
    if (!dead) {
      ioQueues.deleteAll();
      if (shutdown) registers.shutDown(this.identity?.shutdownTimeoutSeconds ?? 5);
      else registers.disable();
    }
    if (this.#adminRings.queue !== null) this.#adminRings.queue.enabled = false;
    for (const queue of ioPath.queues) queue.enabled = false;
    this.backing.disable();
    for (const queue of ioPath.queues) ioPath.drain(queue);
    ioPath.cancelAll();
    adminPath.cancelAll();
  }

  /** Driver unbinds (spec N98): memory goes back in the kernel's order. */
  remove(): void {
    this.state.change('DELETING');
    this.disable(true);
    this.ioPath.unquiesce();
    this.namespaces = [];
    this.hmb.remove();
    this.shadow?.free();
    this.shadow = null;
    this.ioQueues.free();
    this.cmb.release();
    this.#adminRings.free();
    this.pools.destroy();
    this.discards.release();
    this.admin.release();
    this.state.change('DEAD');
  }

  onAsyncEvent(status: number, result: number): void {
    this.events.receive(status, result);
  }

  /** Steps 1 to 9 of N56, then the commands of N57. `first`: not after a reset. */
  #start(first: boolean): number {
    const { registers, backing } = this;
    backing.enable();
    // One vector is enough until it is known how many queues there are (spec N56, N62).
    if (registers.isGone() || this.vectors.enable(1) === 0) return ENODEV;
    registers.readCapabilities();
    this.cmb.map();
    registers.readVersion();
    const error = registers.disable() || this.#adminRings.start();
    if (error !== 0) return error;
    this.state.change('CONNECTING');
    return startupCommands(this, first);
  }

  makeQueue(qid: number, rings: { readonly sq: SubmissionRing; readonly cq: QueueMemory }, polled: boolean): NvmeQueue {
    const stride = get(this.registers.capHigh, CapHigh.DSTRD);
    const doorbells = { sq: doorbellOffset(qid, 0, stride), cq: doorbellOffset(qid, 1, stride) };
    return new NvmeQueue(this.backing, qid, rings, doorbells, polled);
  }

  /** Takes over what Identify Controller says (spec N60). */
  adopt(page: Uint8Array): void {
    const identity = parseController(page);
    this.identity = identity;
    this.retryDelaysMillis = identity.crdtMillis;
    const mpsMin = get(this.registers.capHigh, CapHigh.MPSMIN);
    const byMdts = identity.mdts === 0 ? 0 : 2 ** (identity.mdts + NVME_CTRL_PAGE_SHIFT + mpsMin - 9);
    this.maxHwSectors = minNotZero(this.maxHwSectors, byMdts);
    this.mapping.sglSupported = get(identity.sgls, Sgls.SUPPORT) !== 0;
    this.mapping.metadata.sglSupported = get(identity.sgls, Sgls.METADATA) === 1;
    const limits = controllerLimits(this.maxHwSectors, identity, true);
    validateLimits(limits);
    this.adminQueue.limits = limits;
  }

  /** Lets the device work for a moment and takes its completions; false when what is waited for was given up. */
  wait(): boolean {
    this.backing.advance(WAIT_STEP_NANOS);
    this.#waitedNanos += WAIT_STEP_NANOS;
    if (this.poll() > 0) this.#waitedNanos = 0;
    if (this.#waitedNanos < NVME_ADMIN_TIMEOUT_NANOS) return true;
    this.#waitedNanos = 0;
    this.timeouts.adminExpired();
    return false;
  }
}
