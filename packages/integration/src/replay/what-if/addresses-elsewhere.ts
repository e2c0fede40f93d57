import { DmaDomain, type IommuDevice, KernelContext } from '@dmalab/iommu';
import { IdlePagingDomain } from '../iova/idle-paging-domain.ts';
import type { MachineFacts } from '../iova/machine-facts.ts';
import { GRANULE, type IovaOperation } from '../iova/operation.ts';

/** The requests of one domain as another machine's allocator answers them. */
export interface AddressesElsewhere {
  /** The same operations at their new addresses; those that found none are not among them. */
  readonly operations: readonly IovaOperation[];
  readonly fromCaches: number;
  readonly fromTree: number;
  readonly failures: number;
}

/** How the other machine hands out addresses. */
export interface AddressPolicy {
  readonly lazy: boolean;
  /** Address bits that the device reaches; null: all. */
  readonly dmaMaskBits: number | null;
}

/**
 * Gives a domain's allocations and releases to a fresh allocator (spec I35 to I41), in the order and at the times of the
 * trace; a lazy one's flush timer runs when it is due (spec I101). Where the trace's own addresses lay plays no part.
 */
export function addressesElsewhere(
  operations: readonly IovaOperation[],
  { lazy, dmaMaskBits }: AddressPolicy,
  { cpus, reserved, apertureEnd, below4gFirst }: MachineFacts,
): AddressesElsewhere {
  const kernel = new KernelContext({ possibleCpus: cpus });
  const domain = new DmaDomain(kernel, new IdlePagingDomain(apertureEnd), { lazy });
  for (const { lo, hi } of reserved) domain.iova.reserve(lo, hi);
  const device: IommuDevice = { name: '', busDmaLimit: 0, pci32bitWorkaround: below4gFirst, minAlignMask: 0 };
  const mask = dmaMaskBits === null ? 2 ** 64 : 2 ** dmaMaskBits - 1;
  /** First pages there by first page in the trace. */
  const live = new Map<number, number>();
  const moved: IovaOperation[] = [];
  let failures = 0;
  for (const operation of operations) {
    const { kind, pfn, pages, cpu, timeMicros, twoStep } = operation;
    kernel.cpu = cpu;
    kernel.nowNanos = timeMicros * 1000;
    domain.runTimers();
    if (kind === 'alloc') {
      const page = domain.allocIova(device, pages * GRANULE, mask) / GRANULE;
      if (page === 0) failures++;
      else {
        live.set(pfn, page);
        moved.push({ ...operation, pfn: page });
      }
      continue;
    }
    const page = live.get(pfn);
    if (page === undefined) continue; // mapped before the trace began, or found no address here
    live.delete(pfn);
    if (twoStep) domain.freeIova(page * GRANULE, pages * GRANULE);
    else domain.unmapRange(page * GRANULE, pages * GRANULE);
    moved.push({ ...operation, pfn: page });
  }
  const { cacheHits, treeAllocations } = domain.iova;
  return { operations: moved, fromCaches: cacheHits, fromTree: treeAllocations, failures };
}
