export type { BusMasterPort } from '@dmalab/pci-p2p';
export type { PowerCutChoice } from './durability.ts';
export { ControllerInvariantError, ControllerOptionsError } from './errors.ts';
export type { FaultAction, FaultRule, FaultRules } from './fault-rules.ts';
export { LBA_FORMATS } from './lba-formats.ts';
export type { Media } from './media.ts';
export { SparseMedia } from './media.ts';
export { NvmeController } from './nvme-controller.ts';
export type { NamespaceOptions, NvmeControllerOptions } from './options.ts';
