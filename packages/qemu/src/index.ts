// A QEMU in our hands: what it is, what can go wrong with it, what it has.

export type { QemuPlatform } from './machine/platform.ts';
export { ARM_VIRT, Q35, RISCV_VIRT } from './machine/platform.ts';
export type { QemuMachineOptions } from './machine/qemu-machine.ts';
export { QemuMachine } from './machine/qemu-machine.ts';
export { QemuBinary } from './process/qemu-binary.ts';
export type { QemuErrorCode } from './process/qemu-error.ts';
export { QemuError } from './process/qemu-error.ts';

// Its parts, as drivers take them.

export { MessagePage } from './machine/message-page.ts';
export { PageStock } from './machine/page-stock.ts';
export { QemuPciHost } from './machine/qemu-pci-host.ts';
export { SharedRam } from './machine/shared-ram.ts';

// Our models beside QEMU's devices: a sequence of operations on both.

export type { Operation, Sequence, UnitName } from './diff/operation.ts';
export { UNIT_NAMES } from './diff/operation.ts';
export { parseSequence, SequenceError } from './diff/parse-sequence.ts';
export { recordSequence } from './diff/record-sequence.ts';
export type { DiffReport, SequenceDifference } from './diff/run-diff.ts';
export { runDiff } from './diff/run-diff.ts';

// DMA on demand, and where QEMU is known to be different.

export type { QemuDifference, QemuDifferenceId } from './differences.ts';
export { QEMU_DIFFERENCES } from './differences.ts';
export { DmaEngine, ENGINE_BYTES } from './engine/dma-engine.ts';
