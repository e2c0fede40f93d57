/** One figure of the cost model. */
export interface CostEntry {
  readonly value: number;
  readonly unit: 'ns' | 'bytes' | 'bytes/s' | 'GT/s' | 'lanes' | 'count';
  readonly meaning: string;
  /** A publication, a data sheet, or `estimated:` and why. */
  readonly source: string;
}

const AIOS = 'Lee et al., Asynchronous I/O Stack, USENIX ATC 2019, breakdown of a 4 KiB read';
const RIOMMU = 'Malka et al., rIOMMU, ASPLOS 2015, cycles of map and unmap at 3.1 GHz';
const PCIE_BENCH = 'Neugebauer et al., Understanding PCIe performance, SIGCOMM 2018';
const PCIE_SPEC = 'PCI Express Base Specification 4.0';
const DATA_SHEET = 'data sheet of a TLC disk with PCIe 3.0 x4 (Samsung 970 EVO Plus 1 TB)';

const ns = (value: number, meaning: string, source: string): CostEntry => ({ value, unit: 'ns', meaning, source });

/** What things cost where a machine's description says nothing else. Publications' figures are rounded, not measured again. */
export const COST_TABLE = {
  applicationNanos: ns(400, 'the program that asks, a request and its answer', 'estimated: fio with libaio, two calls'),
  wakeNanos: ns(950, 'switching to a program that waits for an answer', `${AIOS}: context switch 0.95 us`),
  submitNanos: ns(720, 'a request through block layer and driver, mapping apart', `${AIOS}: BIO submit 0.72 us`),
  completeNanos: ns(580, 'its completion, unmapping apart', `${AIOS}: request completion 0.81 us, less its unmapping`),
  interruptNanos: ns(
    600,
    'taking an interrupt and leaving it',
    'estimated: some 2000 cycles of entry, exit, lost caches',
  ),
  pollNanos: ns(100, 'a look at a completion queue', 'estimated: one cache line that another agent wrote'),
  doorbellNanos: ns(60, 'a posted write to a register', 'estimated: the CPU waits until its store buffer took it'),
  mapNanos: ns(10, 'a call that maps a buffer: checks, direct translation', 'estimated: 30 cycles'),
  unmapNanos: ns(8, 'a call that unmaps one', 'estimated: 25 cycles'),
  conversionNanos: ns(
    1.5,
    'page descriptor to physical address or back',
    'estimated: shift and add with a virtual descriptor array, 4 cycles',
  ),
  iovaCachedNanos: ns(
    50,
    'a range out of the CPU cache of ranges and back',
    `${RIOMMU}: constant-time allocator, 92 + 62`,
  ),
  iovaTreeNanos: ns(400, 'the same from the tree: above 128 KiB', 'estimated: a descent and a rebalance, twice'),
  tableMapNanos: ns(180, 'entering a range into page tables: the walk and one entry', `${RIOMMU}: page table, 590`),
  tableUnmapNanos: ns(140, 'taking it out', `${RIOMMU}: page table, 430`),
  tableEntryNanos: ns(4, 'each page of it beyond the first', 'estimated: a store to a cached line, with its flush'),
  invalidationNanos: ns(
    690,
    'a batch through the invalidation queue, and its end',
    `${RIOMMU}: iotlb invalidation, 2130`,
  ),
  bounceNanos: ns(150, 'finding bounce slots and giving them back', 'estimated: a lock, a search, a table, twice'),
  bounceByteNanos: ns(0.1, 'a byte copied between buffer and slot', 'estimated: 10 GB/s, half of the data uncached'),
  cacheLineNanos: ns(10, 'maintenance of one cache line', 'estimated: a line written back to memory at 6 GB/s'),
  tableReadNanos: ns(
    110,
    '8 bytes of tables read by the IOMMU',
    `${PCIE_BENCH}: a miss of the IOTLB costs 330 ns, 3 reads`,
  ),
  linkGigatransfers: {
    value: 8,
    unit: 'GT/s',
    meaning: 'of a lane: 2.5, 5, 8, 16 or 32',
    source: `${PCIE_SPEC}: generation 3`,
  },
  linkLanes: { value: 4, unit: 'lanes', meaning: 'width of the disk’s link', source: DATA_SHEET },
  maxPayloadBytes: {
    value: 256,
    unit: 'bytes',
    meaning: 'data in one packet',
    source: 'estimated: what servers configure',
  },
  maxReadRequestBytes: {
    value: 512,
    unit: 'bytes',
    meaning: 'data that one read asks for',
    source: `${PCIE_SPEC}: default`,
  },
  packetBytes: {
    value: 24,
    unit: 'bytes',
    meaning: 'around each packet: framing, sequence, header, CRC',
    source: `${PCIE_SPEC}: 4 + 16 + 4 with 64-bit addresses; data link packets are not counted`,
  },
  linkReadNanos: ns(550, 'a read of memory by the device, to its first byte', `${PCIE_BENCH}: 64 bytes on Xeon E5`),
  linkWriteNanos: ns(250, 'a posted write, until it is there', 'estimated: half of a read'),
  switchNanos: ns(110, 'a switch, each way', 'estimated: data sheets of PCIe 3.0 switches say 100 to 150'),
  mediaReadNanos: ns(48_000, 'from command to data', `${DATA_SHEET}: 19 k IOPS at depth 1`),
  mediaWriteNanos: ns(9_000, 'from data to safe in the cache', `${DATA_SHEET}: 60 k IOPS at depth 1`),
  mediaWriteBytesPerSecond: {
    value: 3.3e9,
    unit: 'bytes/s',
    meaning: 'writes of all units together',
    source: `${DATA_SHEET}: sequential write; its cache never fills here`,
  },
  mediaUnits: { value: 32, unit: 'count', meaning: 'dies that work side by side', source: `${DATA_SHEET}: 600 k IOPS` },
  mediaStripeBytes: {
    value: 16384,
    unit: 'bytes',
    meaning: 'on one die before the next',
    source: 'estimated: a NAND page',
  },
} as const satisfies Readonly<Record<string, CostEntry>>;

export type CostKey = keyof typeof COST_TABLE;

/** Every figure of the cost model, in the units of {@link COST_TABLE}. */
export type Costs = Readonly<Record<CostKey, number>>;

export const COST_KEYS = Object.keys(COST_TABLE) as readonly CostKey[];

export const DEFAULT_COSTS: Costs = Object.fromEntries(
  Object.entries(COST_TABLE).map(([key, { value }]) => [key, value]),
) as Costs;

/** The defaults but for what a machine says. */
export function settleCosts(own: Partial<Costs>): Costs {
  return { ...DEFAULT_COSTS, ...own };
}
