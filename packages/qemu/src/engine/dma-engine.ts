import type { QemuMachine } from '../machine/qemu-machine.ts';

/** Registers, commands and feature of the NVMe specification that the engine lives on. */
const CC = 0x14;
const CSTS = 0x1c;
const CFS = 2;
const AQA = 0x24;
const ASQ = 0x28;
const ACQ = 0x30;
const CMBMSC = 0x50;
const DOORBELL_SQ = 0x1000;
const DOORBELL_CQ = 0x1004;
const CC_EN_64_BYTE_SQ_16_BYTE_CQ = 0x0046_0001;
const SET_FEATURES = 0x09;
const GET_FEATURES = 0x0a;
/** 512 bytes that a host sets and gets back as they were: the one thing in a controller that echoes. */
const HOST_BEHAVIOR = 0x16;

const ENTRIES = 32;
const SQE_BYTES = 64;
/**
 * Where the controller is told that its buffer is: it looks there before it goes to the bus. Below 4 GiB, since QEMU 7.2
 * takes the address from the write of its low half alone.
 */
const BUFFER_ADDRESS = 0xa000_0000;
const ECHO_OFFSET = 0x1_0000;
const CMB_BAR = 2;
/** Bytes that one access moves. */
export const ENGINE_BYTES = 512;
const MOST_POLLS = 10_000;

/**
 * DMA on demand by a foreign device: QEMU's NVMe controller, told to take 512 bytes from an address or to put them there,
 * at once and in order. Its commands and what they echo lie in the controller's own memory buffer, so that nothing but the
 * access itself goes over the bus, and through an IOMMU, except 16 bytes of completion.
 */
export class DmaEngine {
  /** Where completions go, 4 KiB of RAM: behind an IOMMU that page is best mapped at its own address. */
  readonly completions: number;
  readonly #machine: QemuMachine;
  readonly #registers: number;
  readonly #buffer: number;
  #tail = 0;

  /**
   * @param rid of an `nvme` with `cmb_size_mb=1`
   * @throws {RangeError} when the function has no such buffer
   */
  constructor(machine: QemuMachine, rid: number) {
    this.#machine = machine;
    this.completions = machine.pages.allocPages(0, 0);
    this.#registers = machine.pci.enabledBar(rid, 0);
    this.#buffer = machine.pci.enabledBar(rid, CMB_BAR);
    if (this.#buffer === 0) throw new RangeError('this nvme has no memory buffer: give it cmb_size_mb=1');
    this.reset();
  }

  /** Starts the controller anew. */
  reset(): void {
    this.#write(CC, 0);
    this.#poll(() => (this.#read(CSTS) & 1) === 0);
    this.#machine.ram.fill(this.completions, 4096);
    this.#tail = 0;
    this.#write(CMBMSC + 4, Math.floor(BUFFER_ADDRESS / 2 ** 32)); // the low half switches it on, so it comes last
    this.#write(CMBMSC, (BUFFER_ADDRESS >>> 0) + 3);
    this.#write(AQA, ((ENTRIES - 1) << 16) | (ENTRIES - 1));
    this.#write64(ASQ, BUFFER_ADDRESS);
    this.#write64(ACQ, this.completions);
    this.#write(CC, CC_EN_64_BYTE_SQ_16_BYTE_CQ);
    this.#poll(() => (this.#read(CSTS) & 1) === 1);
  }

  /** The device takes 512 bytes from an address of its bus; what it got. `at` is a multiple of 4, none cross a page. */
  read(at: number): Uint8Array {
    this.#command(SET_FEATURES, at);
    this.#command(GET_FEATURES, BUFFER_ADDRESS + ECHO_OFFSET);
    return this.#machine.readBus(this.#buffer + ECHO_OFFSET, ENGINE_BYTES);
  }

  /** The device puts 512 bytes there. */
  write(at: number, bytes: Uint8Array): void {
    this.load(bytes);
    this.store(at);
  }

  /** The first half of {@link write}: the device gets the bytes, without an access to the bus. */
  load(bytes: Uint8Array): void {
    this.#machine.writeBus(this.#buffer + ECHO_OFFSET, bytes);
    this.#command(SET_FEATURES, BUFFER_ADDRESS + ECHO_OFFSET);
  }

  /** The second half: it puts there what it has. */
  store(at: number): void {
    this.#command(GET_FEATURES, at);
  }

  /**
   * Starts the controller anew if it gave up because a completion could not be written. It would go on working, but each
   * lost completion holds one of its requests, and after the last one it stands still.
   */
  recover(): void {
    if ((this.#read(CSTS) & CFS) !== 0) this.reset();
  }

  #command(opcode: number, prp1: number): void {
    const words = new Uint32Array(SQE_BYTES / 4);
    words[0] = opcode | (this.#tail << 16);
    words[6] = prp1;
    words[7] = Math.floor(prp1 / 2 ** 32);
    words[10] = HOST_BEHAVIOR;
    this.#machine.writeBus(this.#buffer + this.#tail * SQE_BYTES, new Uint8Array(words.buffer));
    this.#tail = (this.#tail + 1) % ENTRIES;
    this.#write(DOORBELL_SQ, this.#tail);
    this.#write(DOORBELL_CQ, this.#tail);
  }

  #poll(condition: () => boolean): void {
    for (let polls = 0; polls < MOST_POLLS; polls++) {
      if (condition()) return;
      this.#machine.advance(1000);
    }
    throw new Error('the nvme of the DMA engine did not answer');
  }

  #read(offset: number): number {
    return this.#machine.readMmio(this.#registers + offset);
  }

  #write(offset: number, value: number): void {
    this.#machine.writeMmio(this.#registers + offset, value);
  }

  #write64(offset: number, value: number): void {
    this.#write(offset, value >>> 0);
    this.#write(offset + 4, Math.floor(value / 2 ** 32));
  }
}
