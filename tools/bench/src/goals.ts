/** What the project promises about its speed, row by row; a benchmark case names the row that it answers. */
export interface Goal {
  readonly row: number;
  readonly operation: string;
  /** The bound in words; the number that decides is the case's own `atMost`. */
  readonly target: string;
  /** Nothing may be allocated on the way, once warm. */
  readonly isHotPath: boolean;
}

const hot = { isHotPath: true };
const cold = { isHotPath: false };

export const GOALS: readonly Goal[] = [
  { row: 1, operation: 'map + unmap, direct', target: '2 x a megamorphic call', ...hot },
  { row: 2, operation: 'map + unmap, IOMMU lazy, 4 KiB', target: '18 x L_pair', ...hot },
  { row: 3, operation: 'the same with dma-debug on', target: '1.7 x row 2', ...hot },
  { row: 4, operation: 'map + unmap, IOMMU strict', target: '2 x row 2', ...hot },
  { row: 5, operation: 'map + unmap, bounced, 4 KiB', target: '3.3 x a hot copy, 1.15 x a cold one', ...hot },
  { row: 6, operation: 'two-step 128 KiB of 32 pages', target: '6 x L_pte128K lazy, 10 x strict', ...hot },
  { row: 7, operation: 'IOTLB hit', target: '6 x L_hit', ...hot },
  { row: 8, operation: 'IOTLB miss: walk and fill', target: '40 ns cached; 1.6 cold dependent reads', ...hot },
  { row: 9, operation: 'device DMA', target: '1.5 x a hot copy, 1.1 x a cold one, 2.5 x a 64 B loop', ...hot },
  { row: 10, operation: 'bounce bandwidth, 64 to 256 KiB, cold', target: '85 % of copy bandwidth', ...hot },
  { row: 11, operation: 'NVMe 4 KiB random read through VT-d, cold', target: '1.4 x one cold copy', ...hot },
  { row: 12, operation: 'the same, hot buffers', target: '2.7 x a hot copy', ...hot },
  { row: 13, operation: 'the same in virtual time, queue depth 32', target: '1.5 x row 11', ...cold },
  { row: 14, operation: 'NVMe 128 KiB sequential read through VT-d', target: '85 % of copy bandwidth', ...hot },
  { row: 15, operation: 'trace replay', target: '0.25 x a byte scanner; 2 x row 3 an event', ...cold },
  { row: 16, operation: 'memory per live 4 KiB mapping', target: '16 B, with dma-debug 48 B', ...cold },
  { row: 17, operation: 'simulated memory', target: '2 % on touched bytes; 4 GiB machine in 10 ms, 5 MiB', ...cold },
  { row: 18, operation: 'start-up: import, machine, first I/O', target: '3 x `node -e 0`', ...cold },
  {
    row: 19,
    operation: 'growth from 1 k to 1 M live mappings',
    target: '1.5 x in order; 3.2 cold reads at random',
    ...cold,
  },
  {
    row: 20,
    operation: 'IOVA allocation in worst-case fragmentation',
    target: '1.5 x a tree delete + insert',
    ...cold,
  },
  { row: 21, operation: 'independent machines in two workers', target: '1.85 x one', ...cold },
  { row: 22, operation: 'garbage over 10 M map + unmap', target: 'no scavenge after warm-up', ...cold },
  { row: 23, operation: 'trace points on, into a ring; off', target: '+15 ns an event; +3 %', ...hot },
  { row: 24, operation: 'a request through three switches', target: '2 x row 7 a hop', ...hot },
  { row: 25, operation: 'page-table dump', target: '20 ns a leaf', ...cold },
];

export function isHotPath(goal: number | null): boolean {
  return GOALS.some(({ row, isHotPath: isHot }) => row === goal && isHot);
}
