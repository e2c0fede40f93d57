import { type BootFacts, bootOption } from '../boot-facts.ts';
import type { Account } from '../explanation.ts';
import { DEVICE_PREFIX, deviceName, hexText, type LineContext, type Parts, present, type Rule } from '../rule.ts';

const SLOT_BYTES = 2048;
/** A mapping never crosses a segment of 128 slots (spec S42, S43), so nothing larger than this is ever bounced. */
const LARGEST_BOUNCE_BYTES = 128 * SLOT_BYTES;

/** Lines about bounce buffers that concern a mapping; the pool's own boot lines are in `boot.ts`. */
export const SWIOTLB_RULES: readonly Rule[] = [
  {
    id: 'swiotlb-full',
    family: 'swiotlb',
    // Without slots until 4.20 or so. People quote it without the device, too.
    pattern: new RegExp(
      `^(?:${DEVICE_PREFIX})?swiotlb buffer is full ?\\(sz: (?<size>\\d+) bytes\\)(?:, total (?<total>\\d+) \\(slots\\), used (?<used>\\d+) \\(slots\\))?`,
    ),
    account: full,
  },
  {
    id: 'swiotlb-full',
    family: 'swiotlb',
    pattern: new RegExp(
      `^(?:${DEVICE_PREFIX})?DMA: Out of SW-IOMMU space for (?<size>\\d+) bytes(?: at device (?<place>\\S+))?`,
    ),
    account: full,
  },
  {
    id: 'swiotlb-no-pool',
    family: 'swiotlb',
    pattern: new RegExp(`^${DEVICE_PREFIX}Can not allocate SWIOTLB buffer earlier`),
    account: noPool,
  },
  {
    id: 'swiotlb-out-of-reach',
    family: 'swiotlb',
    pattern: new RegExp(
      `^${DEVICE_PREFIX}swiotlb addr (?<address>\\w+)\\+(?<size>\\d+) overflow \\(mask (?<mask>\\w+), bus limit (?<limit>\\w+)\\)`,
    ),
    account: ({ driver, device, address, size, mask, limit }) => ({
      device: deviceName(device!),
      severity: 'error',
      says: `the bounce buffer itself lies where the device can not reach it (${hexText(address!)}, mask ${hexText(mask!)})`,
      fields: present({
        driver,
        address: hexText(address!),
        size: Number(size),
        mask: hexText(mask!),
        busLimit: hexText(limit!),
      }),
      causes: [
        "the device's mask or its bus reaches less memory than the pool lies in: the pool is placed below 4 GiB, not below smaller masks",
      ],
      next: [
        'printed once only: count failed maps in a trace (dma_addr=ffffffffffffffff)',
        'give the device a reserved, restricted pool inside its reach, or translate it with an IOMMU',
      ],
      basis: ['S92', 'S19', 'S25'],
    }),
  },
  {
    id: 'swiotlb-sync-too-long',
    family: 'swiotlb',
    pattern: new RegExp(
      `^${DEVICE_PREFIX}Buffer overflow detected\\. Allocation size: (?<room>\\d+)\\. Mapping size: (?<size>\\d+)`,
    ),
    account: ({ driver, device, room, size }) => ({
      device: deviceName(device!),
      severity: 'error',
      says: `the driver synced ${size} bytes where its bounced mapping has ${room} left: the rest was not copied`,
      fields: present({ driver, room: Number(room), size: Number(size) }),
      causes: ['the driver syncs or unmaps with another size or address than it mapped'],
      next: ['build with the DMA API debug option: dma-debug names the call and the size that was mapped'],
      basis: ['S66', 'D92', 'D93'],
    }),
  },
  {
    id: 'swiotlb-wide-alignment',
    family: 'swiotlb',
    pattern: new RegExp(`^${DEVICE_PREFIX}Alloc alignment may prevent fulfilling requests with max mapping_size`),
    account: ({ driver, device }) => ({
      device: deviceName(device!),
      severity: 'warning',
      says: 'mappings of the largest size may fail: they must also be aligned to more than a page',
      fields: present({ driver }),
      causes: ['the IOMMU maps in granules larger than 4 KiB, and bounce buffers must start on one'],
      next: ['if maps fail, lower the largest transfer of the device'],
      basis: ['S32'],
    }),
  },
];

function full(parts: Parts, { boot }: LineContext): Account {
  const { driver, total, used } = parts;
  const device = parts['device'] ?? parts['place'];
  const size = Number(parts['size']);
  const need = Math.ceil(size / SLOT_BYTES);
  const slots = total === undefined ? null : Number(total);
  const taken = used === undefined ? null : Number(used);
  const free = slots === null || taken === null ? null : slots - taken;
  const kind =
    size > LARGEST_BOUNCE_BYTES ? 'too large' : free === null ? 'unknown' : free < need ? 'exhausted' : 'fragmented';
  return {
    device: device === undefined ? null : deviceName(device),
    severity: 'error',
    says: SAYS[kind](size, need, free, slots),
    fields: present({
      driver,
      size,
      slotsNeeded: need,
      slotsTotal: slots,
      slotsUsed: taken,
      slotsFree: free,
      shortage: kind,
    }),
    causes: [...CAUSES[kind], whyBounced(boot)],
    next: [...remedies(kind, slots), ...avoidBouncing(boot)],
    basis: ['S35', 'S90', 'S91', 'S24', ...BASIS[kind]],
    key: kind,
  };
}

type Shortage = 'too large' | 'unknown' | 'exhausted' | 'fragmented';

const SAYS: Readonly<
  Record<Shortage, (size: number, need: number, free: number | null, total: number | null) => string>
> = {
  'too large': (size) =>
    `no bounce buffer can hold ${size} bytes in one piece: 262144 is the most, whatever the pool's size`,
  unknown: (size) => `no bounce buffer was found for ${size} bytes: the mapping failed`,
  exhausted: (size, need, free, total) =>
    `the bounce buffer pool is used up: ${size} bytes need ${need} slots, ${free} of ${total} are free`,
  fragmented: (size, need, free, total) =>
    `no run of ${need} slots for ${size} bytes, although ${free} of ${total} slots are free: the free ones are scattered`,
};

const CAUSES: Readonly<Record<Shortage, readonly string[]>> = {
  'too large': [
    'the driver maps more than 256 KiB in one piece: a mapping must lie in one segment of 128 slots of 2 KiB',
  ],
  unknown: ['the pool is used up, or its free slots are too scattered; this form of the line does not say which'],
  exhausted: [
    'more data is in flight through bounce buffers than the pool holds',
    'a driver does not unmap: then the used slots never go down again, even when the load ends',
  ],
  fragmented: [
    'no segment of 128 slots has enough free slots side by side at the alignment that the device needs',
    'areas are searched one after the other while other CPUs take slots: a fit can be missed',
  ],
};

const BASIS: Readonly<Record<Shortage, readonly string[]>> = {
  'too large': ['S43'],
  unknown: ['S42', 'S43'],
  exhausted: ['S42', 'S95'],
  fragmented: ['S40', 'S43', 'S45'],
};

function remedies(kind: Shortage, slots: number | null): string[] {
  if (kind === 'too large') {
    return [
      "lower the device's largest transfer (a disk: /sys/block/DISK/queue/max_sectors_kb below 256); a larger pool does not help",
    ];
  }
  const watch =
    'watch /sys/kernel/debug/swiotlb/io_tlb_used: if it stays high without load, look for the leak with `dmalab replay TRACE`';
  const larger =
    slots === null
      ? 'swiotlb=N makes the pool N slots of 2 KiB'
      : `swiotlb=${2 * 2 ** Math.ceil(Math.log2(slots))} doubles the pool (slots of 2 KiB, rounded up to a power of two)`;
  return kind === 'fragmented' ? [larger, 'smaller requests find a place more easily', watch] : [watch, larger];
}

/** Why this machine bounces at all (spec S24), as far as its boot lines tell. */
function whyBounced(boot: BootFacts): string {
  if (boot.memoryEncrypted) return 'memory is encrypted, so every transfer of this guest is bounced';
  const option = bootOption(boot, 'swiotlb') ?? '';
  if (/\bforce\b/.test(option)) return 'swiotlb=force is set: every directly mapped transfer is bounced';
  return 'the buffer is bounced since the device can not reach it (a mask narrower than memory), the device is untrusted, or all are bounced (swiotlb=force, encrypted memory)';
}

/** A translating IOMMU gives a narrow device addresses that it reaches (spec S24, S28); encrypted memory stays bounced. */
function avoidBouncing(boot: BootFacts): string[] {
  if (boot.memoryEncrypted) return [];
  if (/\bforce\b/.test(bootOption(boot, 'swiotlb') ?? '')) return ['drop swiotlb=force unless it is wanted for a test'];
  if (boot.iommuInUse !== false && boot.domainType === 'Passthrough') {
    return [
      'the IOMMU is in pass-through mode: iommu.passthrough=0 gives the device addresses that it reaches, and nothing is bounced for its mask',
    ];
  }
  return boot.domainType === null || boot.iommuInUse === false
    ? ['behind a translating IOMMU a device with a narrow mask needs no bounce buffers']
    : [];
}

function noPool({ driver, device }: Parts, { boot }: LineContext): Account {
  const off = /noforce/.test(bootOption(boot, 'swiotlb') ?? '');
  return {
    device: deviceName(device!),
    severity: 'error',
    says: 'this mapping needs a bounce buffer, and there is no pool',
    fields: present({ driver }),
    causes: [
      off
        ? 'swiotlb=noforce is set: it forbids the pool'
        : 'no pool was made at boot: no memory above 4 GiB was seen and nothing asked for one, or its memory could not be reserved',
    ],
    next: [
      off ? 'drop swiotlb=noforce' : 'look for "software IO TLB" lines of the boot: what was tried and failed',
      'x86: iommu=soft asks for a pool without forcing its use',
    ],
    basis: ['S31', 'S15', 'S18'],
  };
}
