import { PhysMemory } from '@dmalab/phys-memory';
import type { IommuUnit } from '../../core/unit/iommu-unit.ts';
import type { IommuUnitDriver, IommuUnitDriverOptions, UnitDomain } from '../../core/unit/iommu-unit-driver.ts';
import { TablePagePool } from '../table-page-pool.ts';
import type { ConformanceRig } from './conformance-rig.ts';

const SCRATCH_BASE = 0x80000000;
const SCRATCH_BYTES = 2 ** 26;

/** How a rig around a model is made. */
export interface ModelRigOptions<Domain extends UnitDomain> {
  readonly makeUnit: (memory: PhysMemory) => IommuUnit;
  readonly makeDriver: (options: IommuUnitDriverOptions) => IommuUnitDriver<Domain>;
  readonly faultLine: ConformanceRig['faultLine'];
  readonly sources?: ConformanceRig['sources'];
  readonly hasWriteOnly: boolean;
  readonly hasPassThrough?: boolean;
}

/** A driver and a model of its unit on memory of this process; a device's DMA is a translation and a copy. */
export function modelRig<Domain extends UnitDomain>(options: ModelRigOptions<Domain>): ConformanceRig<Domain> {
  const memory = new PhysMemory();
  const pages = new TablePagePool();
  const log: string[] = [];
  const unit = options.makeUnit(memory);
  const driver = options.makeDriver({
    registers: unit,
    memory,
    log: (line) => log.push(line),
    allocTablePage: () => pages.allocTablePage(),
    freeTablePage: (phys) => pages.freeTablePage(phys),
    allocTable: (lengthBytes) => pages.allocTable(lengthBytes),
    freeTable: (phys, lengthBytes) => pages.freeTable(phys, lengthBytes),
  });
  driver.enable();
  return {
    driver,
    log,
    sources: options.sources ?? [0x18, 0x20, 0x0300],
    scratch: {
      base: SCRATCH_BASE,
      lengthBytes: SCRATCH_BYTES,
      load32: (at) => memory.load32(at),
      store32: (at, value) => memory.store32(at, value),
    },
    hasWriteOnly: options.hasWriteOnly,
    hasPassThrough: options.hasPassThrough ?? true,
    tablePagesInUse: () => pages.inUse,
    faultLine: options.faultLine,
    access: (sourceId, iova, bytes, isWrite) => {
      const phys = unit.translate(sourceId, iova, isWrite ? 1 : 0);
      if (phys < 0) return false;
      if (isWrite) memory.write(phys, bytes);
      else memory.read(phys, bytes);
      return true;
    },
  };
}
