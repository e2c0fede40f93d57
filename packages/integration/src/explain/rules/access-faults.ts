import { type BootFacts, bootOption } from '../boot-facts.ts';

/** Causes and advice for one kind of refused access, the likeliest cause first. */
export interface Advice {
  readonly causes: readonly string[];
  readonly next: readonly string[];
  readonly basis: readonly string[];
}

const HEX = /^0x[0-9a-f]+$/;

const TRACE =
  'trace the device around the fault (events dma:* and iommu:map, iommu:unmap) and find the last map and unmap of this address; `dmalab replay TRACE` lists leaks and double unmaps';

/** The page is in no mapping of the device's domain, or only in one for the other direction: VT-d doesn't tell which. */
export function notMapped(address: string, access: 'read' | 'write' | null, boot: BootFacts): Advice {
  if (isFirstPage(address)) return firstPage();
  const use = access === null ? 'access' : access;
  return {
    causes: [
      `the device ${use === 'access' ? 'used' : `tried to ${use}`} memory that is not mapped for it: unmapped too early, past the end of a mapping, or an address that was never mapped (a physical address, or one cut to 32 bits)`,
      'firmware set the device to work on memory of its own and did not report it as a reserved region: likely if the fault comes at boot, before a driver binds',
    ],
    next: [TRACE, ...lazyHint(boot), ...experiment(boot)],
    basis: ['I171', 'I174', 'I139', 'I140', ...(boot.invalidation === 'lazy' ? ['I93', 'I225'] : [])],
  };
}

/** A mapping is there and doesn't allow this direction. */
export function wrongDirection(access: 'read' | 'write'): Advice {
  const [needed, given] = access === 'read' ? ['TO_DEVICE', 'FROM_DEVICE'] : ['FROM_DEVICE', 'TO_DEVICE'];
  return {
    causes: [
      `the memory is mapped, but not for a ${access} by the device: the driver mapped it with DMA_${given} where DMA_${needed} or DMA_BIDIRECTIONAL is needed`,
      'the device used the address of another buffer: a stale descriptor, or an address past the end of its own buffer',
    ],
    next: [
      'compare the direction in the dma_map_* event of this address with what the device does with the buffer',
      TRACE,
    ],
    basis: ['H2', 'I174', 'D92'],
  };
}

/** VT-d's 5 and 6: either of the two above, so both are named (spec I174: an all-zero entry gives the same reason). */
export function notMappedOrWrongDirection(address: string, access: 'read' | 'write', boot: BootFacts): Advice {
  const missing = notMapped(address, access, boot);
  if (isFirstPage(address)) return missing;
  const [early, firmware] = missing.causes;
  const direction = wrongDirection(access);
  return {
    causes: [early, direction.causes[0], firmware],
    next: [missing.next[0], direction.next[0], ...missing.next.slice(1)],
    basis: [...missing.basis, 'H26'],
  };
}

function firstPage(): Advice {
  return {
    causes: [
      'the device used address 0 or one in the first page, which the kernel never hands out: a descriptor, ring base or doorbell that was left empty, or used after it was cleared',
      'firmware or the device itself started a transfer before its driver gave it an address',
    ],
    next: [
      'look at what the driver writes into the descriptor or base register that this access comes from, and whether the device is stopped before those are cleared',
      TRACE,
    ],
    basis: ['I3', 'I174'],
  };
}

/** The lowest page is no valid IO virtual address (spec I3). What is no number, in a damaged line, is not in it. */
export function isFirstPage(address: string): boolean {
  return HEX.test(address) && BigInt(address) < 4096n;
}

function lazyHint({ invalidation }: BootFacts): string[] {
  if (invalidation !== 'lazy') return [];
  return [
    'boot once with iommu.strict=1: this kernel ends mappings lazily, so a device that comes too late faults only some time after the unmap, or not at all',
  ];
}

function experiment(boot: BootFacts): string[] {
  if (boot.domainType === 'Passthrough' || bootOption(boot, 'iommu') === 'pt') return [];
  return [
    'iommu.passthrough=1 silences this for trusted devices, and lets the stray access reach memory: an experiment, not a repair',
  ];
}
