import { lowHalf, lowMask } from '../../spec/bits.ts';
import { AtcInvalidateCommand, CONFIG_RANGE_ALL, SmmuCommand as Op, TlbiCommand } from '../../spec/smmuv3-commands.ts';
import type { CommandRing } from './command-ring.ts';

const TWO_32 = 2 ** 32;
const LEAF = lowMask(TlbiCommand.qw1.LEAF);

/** The commands that Linux submits (spec H72), in its words. Each is only queued; the caller ends the batch. */
export class SmmuRequests {
  readonly #ring: CommandRing;

  constructor(ring: CommandRing) {
    this.#ring = ring;
  }

  allConfigurations(): void {
    this.#ring.push(Op.CFGI_STE_RANGE, 0, CONFIG_RANGE_ALL, 0);
  }

  /** A stream's entry changed, and nothing above it. */
  stream(streamId: number): void {
    this.#ring.push(Op.CFGI_STE, streamId, 1, 0);
  }

  /** The descriptor of a stream's first context changed. */
  context(streamId: number): void {
    this.#ring.push(Op.CFGI_CD, streamId, 1, 0);
  }

  /** Everything of EL1 and stage 2, in the non-secure world. */
  allTranslations(): void {
    this.#ring.push(Op.TLBI_NSNH_ALL, 0, 0, 0);
  }

  allHypervisorTranslations(): void {
    this.#ring.push(Op.TLBI_EL2_ALL, 0, 0, 0);
  }

  asid(asid: number): void {
    this.#ring.push(Op.TLBI_NH_ASID, asid << 16, 0, 0);
  }

  vmid(vmid: number): void {
    this.#ring.push(Op.TLBI_S12_VMALL, vmid, 0, 0);
  }

  /** One page of an ASID. Words are left signed, so that none is boxed: every strict unmap comes through here. */
  asidPage(asid: number, address: number, leafOnly: boolean): void {
    this.#page(Op.TLBI_NH_VA, asid << 16, address, leafOnly);
  }

  vmidPage(vmid: number, address: number, leafOnly: boolean): void {
    this.#page(Op.TLBI_S2_IPA, vmid, address, leafOnly);
  }

  /** (num + 1) * 2^scale granules of an ASID, from an address on; `tg` codes the granule (spec H72). */
  asidRange(asid: number, address: number, range: TlbiRange, leafOnly: boolean): void {
    this.#range(Op.TLBI_NH_VA, asid << 16, address, range, leafOnly);
  }

  vmidRange(vmid: number, address: number, range: TlbiRange, leafOnly: boolean): void {
    this.#range(Op.TLBI_S2_IPA, vmid, address, range, leafOnly);
  }

  /** 2^order pages of a device's own cache; everything with 52. */
  deviceTlb(streamId: number, address: number, order: number): void {
    const low1 = (address & ~0xfff) | lowHalf(AtcInvalidateCommand.qw1.SIZE, order);
    this.#ring.push(Op.ATC_INV, streamId, low1, Math.floor(address / TWO_32));
  }

  #page(opcode: number, ids: number, address: number, leafOnly: boolean): void {
    this.#ring.push(opcode, ids, (address & ~0xfff) | (leafOnly ? LEAF : 0), Math.floor(address * 2 ** -32));
  }

  #range(opcode: number, ids: number, address: number, { num, scale, tg }: TlbiRange, leafOnly: boolean): void {
    const low0 = opcode | (num << TlbiCommand.qw0.NUM.lo) | (scale << TlbiCommand.qw0.SCALE.lo);
    const low1 = (address & ~0xfff) | (tg << TlbiCommand.qw1.TG.lo) | (leafOnly ? LEAF : 0);
    this.#ring.push(low0, ids, low1, Math.floor(address * 2 ** -32));
  }
}

/** A run of granules as a range command codes it. */
export interface TlbiRange {
  readonly num: number;
  readonly scale: number;
  /** 1, 2, 3 for 4, 16 and 64 KiB. */
  readonly tg: number;
}
