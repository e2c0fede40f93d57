import { type PoolGeometry, planBootPool, reserveBootPool } from '@dmalab/swiotlb';
import { checkDescription, type IommuPolicy, type MachineDescription } from '../../machine/machine-description.ts';
import { addressMapOf } from '../../machine/parts/address-map.ts';

/** What of another machine matters to the requests of a trace. */
export interface OtherMachine {
  readonly name: string;
  readonly iommu: IommuPolicy;
  readonly pool: PoolGeometry | null;
  /** Everything bounces, whatever the device reaches; not behind a translating IOMMU (spec S24a, S28). */
  readonly force: boolean;
  /** Address bits that the device reaches; null: as traced. */
  readonly dmaMaskBits: number | null;
}

/** @throws {MachineDescriptionError} when no machine can be like that */
export function otherMachine(description: MachineDescription, dmaMaskBits: number | null): OtherMachine {
  checkDescription(description);
  const { name, iommu, platform, commandLine, cpus, confidential } = description;
  const { ranges } = addressMapOf(description);
  // `/proc/iomem` prints last bytes; the boot allocator counts to the byte after.
  const ram = ranges.filter(({ kind }) => kind === 'ram').map(({ start, end }) => ({ start, end: end + 1 }));
  const memoryEncryption = confidential === 'none' ? 'none' : 'guest';
  const plan = planBootPool({ platform, commandLine, possibleCpus: cpus, ram, memoryEncryption });
  const { geometry } = reserveBootPool(plan, ram);
  // A guest's devices reach nothing but what it shares with them: all of it bounces (spec S24c).
  const force = plan.force || confidential !== 'none';
  return { name, iommu, pool: geometry, force, dmaMaskBits };
}

export function translates({ iommu }: OtherMachine): boolean {
  return iommu === 'strict' || iommu === 'lazy';
}
