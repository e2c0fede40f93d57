import type { DmaEra } from '@dmalab/dma-api';

/** What stands between a device and memory. */
export type IommuPolicy = 'off' | 'passthrough' | 'strict' | 'lazy';

/** A machine in words: what {@link buildMachine} builds. */
export interface MachineDescription {
  /** What tables and messages call it. */
  readonly name: string;
  /** A multiple of 1 MiB, at least 64 MiB. */
  readonly memoryBytes: number;
  readonly cpus: number;
  /** An Intel VT-d unit, and how its kernel uses it; `off` for a machine without one. */
  readonly iommu: IommuPolicy;
  /** The kernel's command line as far as bounce buffers go: `swiotlb=force` and the like (spec S11). */
  readonly commandLine: string;
  /** Bytes on the NVMe disk, a multiple of 512. */
  readonly diskBytes: number;
  /** Which mapping interface its drivers were written against. */
  readonly era: DmaEra;
}

/** A description that no machine fits. */
export class MachineDescriptionError extends Error {
  readonly code = 'ERR_MACHINE_DESCRIPTION';

  constructor(name: string, problem: string, remedy: string) {
    super(`machine ${name}: ${problem}; ${remedy}`);
    this.name = 'MachineDescriptionError';
  }
}

const MIB = 2 ** 20;

/** @throws {MachineDescriptionError} naming the first value that no machine can have */
export function checkDescription({ name, memoryBytes, cpus, diskBytes }: MachineDescription): void {
  if (!(memoryBytes % MIB === 0 && memoryBytes >= 64 * MIB)) {
    throw new MachineDescriptionError(
      name,
      `${memoryBytes} bytes of memory`,
      'give a multiple of 1 MiB from 64 MiB on',
    );
  }
  if (!(Number.isInteger(cpus) && cpus >= 1 && cpus <= 64)) {
    throw new MachineDescriptionError(name, `${cpus} CPUs`, 'give 1 to 64');
  }
  if (!(diskBytes > 0 && diskBytes % 512 === 0)) {
    throw new MachineDescriptionError(name, `a disk of ${diskBytes} bytes`, 'give a multiple of 512');
  }
}
