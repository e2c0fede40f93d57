import { type P2pdma, type P2pFunction, pciAllocP2pmem, pciP2pmemPublish } from '@dmalab/pci-p2p';
import { get, high32, low32, put } from '../../spec/bits.ts';
import { CapHigh, Cmbloc, Cmbmsc, Cmbsz, Register } from '../../spec/registers.ts';
import { SQE_BYTES } from '../../spec/sqe.ts';
import type { NvmeDriver } from '../nvme-driver.ts';
import { CmbQueueMemory } from '../queues/cmb-queue-memory.ts';

/** Page descriptors of device memory come in runs of this size (spec T53). */
const ALIGNMENT = 2 ** 21;
const PAGE = 4096;
/** Shorter queues are not worth a place in the buffer. */
const LEAST_DEPTH = 64;

/** The machine's peer-to-peer code, and this device's function in it: where a memory buffer is registered (spec T53). */
export interface P2pRegistration {
  readonly p2pdma: P2pdma;
  readonly fn: P2pFunction;
}

/** Memory in one of the controller's BARs: registered as peer memory, and home of submission queues (spec N65). */
export class ControllerMemoryBuffer {
  readonly #driver: NvmeDriver;
  readonly #p2p: P2pRegistration | null;
  /** Registered bytes; 0 while there is no buffer in use. */
  sizeBytes = 0;
  #cmbsz = 0;
  #cmbloc = 0;

  constructor(driver: NvmeDriver, p2p: P2pRegistration | null) {
    this.#driver = driver;
    this.#p2p = p2p;
  }

  /** Finds the buffer and registers it; a controller without one, or with one that does not fit, goes without. */
  map(): void {
    const { backing } = this.#driver;
    // spec gap: N65 does not say what a reset does. The registration and CMBMSC outlive it (N122), so nothing is redone.
    if (this.sizeBytes > 0) return;
    this.#writeCmbmsc(put(Cmbmsc.CRE, 1));
    this.#cmbsz = backing.readRegister(Register.CMBSZ);
    if (this.#cmbsz === 0) return;
    this.#cmbloc = backing.readRegister(Register.CMBLOC);
    if (this.#p2p === null || backing.writeMemory === undefined) this.#writeCmbmsc(0);
    else this.#register(this.#p2p);
  }

  #register({ p2pdma, fn }: P2pRegistration): void {
    const unit = PAGE * 2 ** (4 * get(this.#cmbsz, Cmbsz.SZU));
    const offset = unit * get(this.#cmbloc, Cmbloc.OFST);
    const bar = get(this.#cmbloc, Cmbloc.BIR);
    const barBytes = fn.barSize(bar);
    if (offset >= barBytes) return;
    const size = Math.min(unit * get(this.#cmbsz, Cmbsz.SZ), barBytes - offset);
    if (size % ALIGNMENT !== 0 || fn.barCpuAddress(bar) % ALIGNMENT !== 0) return;
    this.#writeCmbmsc(fn.barBusAddress(bar) + offset + (put(Cmbmsc.CRE, 1) | put(Cmbmsc.CMSE, 1)));
    if (p2pdma.pciP2pdmaAddResource(fn, bar, size, offset) !== 0) {
      this.#writeCmbmsc(0);
      return;
    }
    this.sizeBytes = size;
    if (get(this.#cmbsz, Cmbsz.RDS) === 1 && get(this.#cmbsz, Cmbsz.WDS) === 1) pciP2pmemPublish(p2pdma, fn, true);
  }

  /** The `cmb` attribute in sysfs; empty without a buffer. */
  sysfs(): string {
    if (this.sizeBytes === 0) return '';
    const word = (value: number) => value.toString(16).padStart(8, '0');
    return `cmbloc : 0x${word(this.#cmbloc)}\ncmbsz  : 0x${word(this.#cmbsz)}\n`;
  }

  /** Entries that each of `count` submission queues can have in the buffer, `depth` at most; 0: none goes there. */
  queueDepth(count: number, depth: number): number {
    if (this.sizeBytes === 0 || get(this.#cmbsz, Cmbsz.SQS) === 0 || !this.#driver.parameters.useCmbSqes) return 0;
    if (count * Math.ceil((depth * SQE_BYTES) / PAGE) * PAGE <= this.sizeBytes) return depth;
    const roomBytes = Math.floor(this.sizeBytes / count / PAGE) * PAGE;
    return roomBytes / SQE_BYTES < LEAST_DEPTH ? 0 : roomBytes / SQE_BYTES;
  }

  /** A submission ring in the buffer, or null when it has no room left. */
  allocRing(entries: number): CmbQueueMemory | null {
    const bytes = entries * SQE_BYTES;
    const { p2pdma, fn } = this.#p2p!;
    const phys = pciAllocP2pmem(p2pdma, fn, bytes);
    return phys < 0 ? null : new CmbQueueMemory(this.#driver.backing, p2pdma, fn, phys, bytes);
  }

  /** The driver unbinds: the memory goes back to nobody (spec T58). */
  release(): void {
    if (this.sizeBytes > 0) this.#p2p!.p2pdma.release(this.#p2p!.fn);
    this.sizeBytes = 0;
  }

  /** High half first: the enable bits lie in the low one (spec N56). Without CAP.CMBS there is no such register. */
  #writeCmbmsc(value: number): void {
    const { backing, registers } = this.#driver;
    if (get(registers.capHigh, CapHigh.CMBS) === 0) return;
    backing.writeRegister(Register.CMBMSC + 4, high32(value));
    backing.writeRegister(Register.CMBMSC, low32(value));
  }
}
