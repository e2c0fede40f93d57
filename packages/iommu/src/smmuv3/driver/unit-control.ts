import type { RegisterBacking } from '@dmalab/phys-memory';
import type { FaultMessage } from '../../core/unit/iommu-unit-driver.ts';
import { type WritableTables, zeroTable } from '../../page-table/table-memory.ts';
import { highMask, lowMask } from '../../spec/bits.ts';
import {
  SMMU_IRQ_CFG,
  SMMU_REG,
  SmmuCr0,
  SmmuCr2,
  SmmuIrqCtrl,
  SmmuQueueBase,
  StrtabBase,
} from '../../spec/smmuv3-registers.ts';
import { SmmuCapabilities } from '../capabilities.ts';
import { CommandRing } from './command-ring.ts';
import { SmmuUnsupportedError } from './errors.ts';
import { write64, writeAndWait } from './registers.ts';
import { SmmuRequests } from './requests.ts';
import type { StreamEntries } from './stream-entries.ts';

const { SMMUEN, EVENTQEN, CMDQEN, ATSCHK } = SmmuCr0;
/** Tables and queues: inner shareable, write-back (spec H57). */
const CR1_LINUX = 0xd75;
const CR2_LINUX = lowMask(SmmuCr2.PTM) | lowMask(SmmuCr2.RECINVSID);
const RA_HIGH = highMask(SmmuQueueBase.RA);
const EVENTQ_IRQ = lowMask(SmmuIrqCtrl.EVENTQ);
const GERROR_IRQ = lowMask(SmmuIrqCtrl.GERROR);
/** log2 of the event records in a page, 32 bytes each. */
const MOST_EVENT_BITS = 7;

/** A unit as its driver handles it: probe, reset, queues (spec H59). Registers and memory only. */
export class UnitControl {
  readonly capabilities: SmmuCapabilities;
  readonly ring: CommandRing;
  readonly requests: SmmuRequests;
  /** log2 of the records in the event queue. */
  readonly eventBits: number;
  readonly #registers: RegisterBacking;
  #cr0 = 0;

  /** @param commands page of the command queue */
  constructor(registers: RegisterBacking, memory: WritableTables, commands: number) {
    this.#registers = registers;
    this.capabilities = readCapabilities(registers);
    const { aarch64Tables, stage1, stage2, messages, coherent, commandQueueBits, eventQueueBits } = this.capabilities;
    if (!aarch64Tables) throw new SmmuUnsupportedError('tables of the 64-bit format');
    if (!stage1 && !stage2) throw new SmmuUnsupportedError('stage of translation');
    zeroTable(memory, commands);
    this.ring = new CommandRing(registers, memory, commands, commandQueueBits, messages && coherent);
    this.requests = new SmmuRequests(this.ring);
    this.eventBits = Math.min(MOST_EVENT_BITS, eventQueueBits);
  }

  /** From whatever state the unit is in to translation, as Linux does it (spec H59). */
  enable(streams: StreamEntries, events: number, faultMessage: FaultMessage | undefined): void {
    const registers = this.#registers;
    this.#setControl(0);
    registers.writeRegister(SMMU_REG.CR1, CR1_LINUX);
    registers.writeRegister(SMMU_REG.CR2, CR2_LINUX);
    write64(
      registers,
      SMMU_REG.STRTAB_BASE,
      streams.phys,
      highMask(StrtabBase.RA) + Math.floor(streams.phys / 2 ** 32),
    );
    registers.writeRegister(SMMU_REG.STRTAB_BASE_CFG, streams.config);
    this.#setQueue(SMMU_REG.CMDQ_BASE, this.ring.phys, this.ring.sizeBits);
    registers.writeRegister(SMMU_REG.CMDQ_PROD, 0);
    registers.writeRegister(SMMU_REG.CMDQ_CONS, 0);
    this.ring.reset();
    this.#setControl(lowMask(CMDQEN));
    this.#invalidateEverything();
    this.#setQueue(SMMU_REG.EVENTQ_BASE, events, this.eventBits);
    registers.writeRegister(SMMU_REG.EVENTQ_PROD, 0);
    registers.writeRegister(SMMU_REG.EVENTQ_CONS, 0);
    this.#setControl(this.#cr0 | lowMask(EVENTQEN) | (this.capabilities.ats ? lowMask(ATSCHK) : 0));
    this.#setUpInterrupts(faultMessage);
    this.#setControl(this.#cr0 | lowMask(SMMUEN));
  }

  /** Translation off: requests pass untranslated from here on, unless GBPA aborts them. Queues go on. */
  disable(): void {
    this.#setControl(this.#cr0 & ~lowMask(SMMUEN));
  }

  #invalidateEverything(): void {
    this.requests.allConfigurations();
    if (this.capabilities.hypervisor) this.requests.allHypervisorTranslations();
    this.requests.allTranslations();
    this.ring.finish();
  }

  /** Messages where the unit sends them, else its wires; without a message for its events, a unit that could send stays quiet. */
  #setUpInterrupts(faultMessage: FaultMessage | undefined): void {
    const registers = this.#registers;
    writeAndWait(registers, 'IRQ_CTRLACK', SMMU_REG.IRQ_CTRL, SMMU_REG.IRQ_CTRLACK, 0);
    if (this.capabilities.messages) {
      if (faultMessage === undefined) return;
      const { address, data } = faultMessage;
      for (const cause of [SMMU_REG.EVENTQ_IRQ_CFG0, SMMU_REG.GERROR_IRQ_CFG0]) {
        write64(registers, cause + SMMU_IRQ_CFG.ADDRESS, address, Math.floor(address / 2 ** 32));
        registers.writeRegister(cause + SMMU_IRQ_CFG.DATA, data);
      }
    }
    writeAndWait(registers, 'IRQ_CTRLACK', SMMU_REG.IRQ_CTRL, SMMU_REG.IRQ_CTRLACK, EVENTQ_IRQ | GERROR_IRQ);
  }

  #setControl(value: number): void {
    writeAndWait(this.#registers, 'CR0ACK', SMMU_REG.CR0, SMMU_REG.CR0ACK, value);
    this.#cr0 = value;
  }

  #setQueue(offset: number, phys: number, sizeBits: number): void {
    write64(this.#registers, offset, phys + sizeBits, RA_HIGH + Math.floor(phys / 2 ** 32));
  }
}

function readCapabilities(registers: RegisterBacking): SmmuCapabilities {
  return new SmmuCapabilities({
    idr0: registers.readRegister(SMMU_REG.IDR0),
    idr1: registers.readRegister(SMMU_REG.IDR1),
    idr3: registers.readRegister(SMMU_REG.IDR3),
    idr5: registers.readRegister(SMMU_REG.IDR5),
  });
}
