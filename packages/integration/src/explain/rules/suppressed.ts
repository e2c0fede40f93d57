import type { Rule } from '../rule.ts';

/** The rate limit's own line: how many of a call site's lines were left out (spec I172, S91). */
export const SUPPRESSED_RULES: readonly Rule[] = [
  {
    id: 'suppressed',
    family: 'log',
    pattern: /^(?<site>\w*(?:dmar|iommu|smmu|swiotlb|dma_|p2p|nvme)\w*): (?<suppressed>\d+) callbacks suppressed/,
    account: ({ site, suppressed }) => ({
      device: null,
      severity: 'info',
      says: `the log leaves out lines of ${site}(): the counts here are too small`,
      fields: { site: site!, suppressed: Number(suppressed) },
      causes: ['more than 10 lines of one place in 5 seconds'],
      next: [],
      basis: ['I172', 'S91'],
    }),
  },
];
