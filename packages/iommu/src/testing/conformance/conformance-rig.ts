import type { IommuUnitDriver, UnitDomain } from '../../core/unit/iommu-unit-driver.ts';

/** The part of memory that a rig lets its devices reach: where the tests look for what they read and wrote. */
export interface ScratchMemory {
  /** First address, a multiple of 2 MiB. */
  readonly base: number;
  /** 16 MiB at least. */
  readonly lengthBytes: number;
  load32(at: number): number;
  store32(at: number, value: number): void;
}

/**
 * A driver, an enabled unit and devices behind it, as the conformance suite sees them. The unit may be a model or somebody
 * else's hardware: tests meet it through the driver, and through what devices can reach.
 */
export interface ConformanceRig<Domain extends UnitDomain = UnitDomain> {
  /** Enabled already. */
  readonly driver: IommuUnitDriver<Domain>;
  /** Three devices that can do DMA; none is attached. */
  readonly sources: readonly [number, number, number];
  readonly scratch: ScratchMemory;
  /** Kernel log lines that the driver printed so far. */
  readonly log: readonly string[];
  /** Has the format pages that a device may write and not read? */
  readonly hasWriteOnly: boolean;
  /** False: the unit has no pass-through. */
  readonly hasPassThrough: boolean;
  /** False: somebody else's unit that blocks, but is known to leave no record. Default true. */
  readonly recordsFaults?: boolean;
  /** False: somebody else's unit that is known to let addresses past the aperture alias those below. Default true. */
  readonly checksAddressWidth?: boolean;
  /** Pages that the driver has taken for tables and not given back. */
  tablePagesInUse(): number;
  /** A device reads into, or writes from, `bytes`: whole words of 32 bits inside 4 KiB. False when it was blocked. */
  access(sourceId: number, iova: number, bytes: Uint8Array, isWrite: boolean): boolean;
  /** What a kernel prints for a blocked request, as far as the suite can know it. */
  faultLine(sourceId: number, iova: number, isWrite: boolean): RegExp;
  /** Called when a test is over. */
  close?(): void;
}
