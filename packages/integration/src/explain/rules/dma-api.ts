import { bootOption } from '../boot-facts.ts';
import type { Account } from '../explanation.ts';
import { DEVICE_PREFIX, deviceName, hexText, type LineContext, type Parts, present, type Rule } from '../rule.ts';

/** 128 slots of 2 KiB (spec S43). */
const LARGEST_BOUNCE_BYTES = 262144;

/** Lines of the direct mapping code and of the pools for coherent memory. */
export const DMA_API_RULES: readonly Rule[] = [
  {
    id: 'dma-overflow',
    family: 'dma-api',
    // `overflow A+N of DMA mask M bus limit L` until 5.8 or so, then `DMA addr A+N overflow (mask M, bus limit L).`
    pattern: new RegExp(
      `^${DEVICE_PREFIX}(?:DMA addr (?<address>\\w+)\\+(?<size>\\d+) overflow \\(|(?:\\w+: )?overflow (?<oldAddress>\\w+)\\+(?<oldSize>\\d+) of (?:DMA |device )?)mask (?<mask>\\w+),?(?: bus (?:limit|mask) (?<limit>\\w+))?`,
    ),
    account: overflow,
  },
  {
    id: 'dma-pool-empty',
    family: 'dma-api',
    pattern: /^(?:DMA|DMA-API): ?pool exhausted for (?<device>\S+)|^DMA pool exhausted for (?<name>\S+)/,
    account: ({ device, name }) => ({
      device: deviceName((device ?? name)!),
      severity: 'error',
      says: 'coherent memory was wanted where the kernel can not sleep, and the pool for that is empty',
      fields: {},
      causes: [
        'more coherent memory is allocated in interrupts or under locks than the pool holds; it grows in the background only',
      ],
      next: ['coherent_pool=SIZE makes the pools larger at boot'],
      basis: ['P50'],
    }),
  },
  {
    id: 'dma-pool-none',
    family: 'dma-api',
    pattern: /^(?:DMA-API: |DMA: )?Failed to get suitable pool for (?<device>\S+)/,
    account: ({ device }) => ({
      device: deviceName(device!),
      severity: 'error',
      says: 'coherent memory was wanted where the kernel can not sleep, and no pool lies where the device reaches',
      fields: {},
      causes: [
        "the device's mask is narrower than any zone with a pool, or the pool's memory is shared or private where the device needs the other",
      ],
      next: [
        'compare the mask of the device with the zones of this machine',
        'coherent_pool=SIZE makes the pools larger at boot, and does not move them',
      ],
      basis: ['P50'],
    }),
  },
  {
    id: 'dma-no-coherent',
    family: 'dma-api',
    pattern: new RegExp(`^(?:${DEVICE_PREFIX})?coherent DMA allocations not supported on this platform`),
    account: ({ device }) => ({
      device: device === undefined ? null : deviceName(device),
      severity: 'error',
      says: 'the platform has no way to give this device memory that stays coherent: every coherent allocation fails',
      fields: {},
      causes: [
        "the device does not snoop the CPU's caches, and the platform has neither uncached aliases nor an uncached pool",
      ],
      next: ['check whether the device is coherent in hardware and the device tree misses dma-coherent'],
      basis: ['P49'],
    }),
  },
  {
    id: 'iommu-wide-addresses',
    family: 'dma-api',
    pattern: new RegExp(`^${DEVICE_PREFIX}Using (?<bits>\\d+)-bit DMA addresses`),
    account: ({ driver, device, bits }) => ({
      device: deviceName(device!),
      severity: 'info',
      says: `the IO virtual addresses below 4 GiB ran out once: from now on this device gets wider ones (${bits} bits)`,
      fields: present({ driver, bits: Number(bits) }),
      causes: ['so much is mapped at once, or left mapped, that the 32-bit range had no room'],
      next: [
        'if faults of this device begin here, it or its driver does not handle wide addresses: its DMA mask is too wide',
      ],
      basis: ['I41'],
    }),
  },
  {
    id: 'iommu-flush-queue',
    family: 'dma-api',
    pattern: /^(?:DMA-IOMMU: |iommu: )?iova flush queue initialization failed/,
    account: () => ({
      device: null,
      severity: 'warning',
      says: 'there was no memory for the flush queue: this domain is strict instead of lazy',
      fields: {},
      causes: ['memory was short when the device was attached'],
      next: [],
      basis: ['I97'],
    }),
  },
];

function overflow(parts: Parts, { boot }: LineContext): Account {
  const { driver, device, mask, limit } = parts;
  const address = hexText((parts['address'] ?? parts['oldAddress'])!);
  const busLimit = limit === undefined ? undefined : hexText(limit);
  const noAddress = /^0xf{16}$/.test(address);
  return {
    device: deviceName(device!),
    severity: 'error',
    says: noAddress
      ? 'the memory has no address on the bus of this device: no range of its bus covers it'
      : `the device can not reach ${address}: its mask is ${hexText(mask!)}${busLimit === undefined || busLimit === '0x0' ? '' : `, its bus ends at ${busLimit}`}`,
    fields: present({
      driver,
      address,
      size: Number(parts['size'] ?? parts['oldSize']),
      mask: hexText(mask!),
      busLimit,
    }),
    causes: noAddress
      ? RANGE_CAUSES
      : parts['oldAddress'] === undefined
        ? maskCauses(boot)
        : oldCauses(Number(parts['oldSize'])),
    next: [
      'printed once for the whole machine: other devices may fail as well; count maps with dma_addr=ffffffffffffffff in a trace',
      "check the driver's dma_set_mask call against what the device can address",
      ...(boot.domainType === 'Passthrough'
        ? ['iommu.passthrough=0 lets the IOMMU give the device addresses that it reaches']
        : []),
    ],
    basis: ['D33', 'D34', 'D38', 'S23', 'S25'],
  };
}

/**
 * spec gap: S23 has today's order. The old form of the line was also printed after a bounce had failed: published logs
 * show it right below "swiotlb buffer is full".
 */
function oldCauses(size: number): string[] {
  const tooLarge = `a bounce buffer was needed, and ${size} bytes in one piece are more than any holds (262144)`;
  const failed =
    'a bounce buffer was needed, and none was free or there is no pool ("swiotlb buffer is full" beside it tells)';
  return size > LARGEST_BOUNCE_BYTES ? [tooLarge] : [failed];
}

const RANGE_CAUSES = ['the dma-ranges of the device tree, or the firmware, leave this memory out'];

/** With a pool RAM is bounced, not refused (spec S23): then it was MMIO, or memory that must not be bounced. */
function maskCauses(boot: LineContext['boot']): string[] {
  const refused =
    'the mapping must not be bounced: registers of another device (MMIO), or memory mapped as required coherent';
  if (boot.poolBytes !== null) return [refused];
  const missing = /noforce/.test(bootOption(boot, 'swiotlb') ?? '')
    ? 'swiotlb=noforce is set, so there is no pool to bounce through'
    : 'the memory lies above what the device reaches, and there is no pool to bounce through';
  return [missing, refused];
}
