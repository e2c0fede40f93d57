/** How a client reaches peer-to-peer memory (spec T30). */
export const PCI_P2PDMA_MAP_UNKNOWN = 0;
export const PCI_P2PDMA_MAP_NONE = 1;
export const PCI_P2PDMA_MAP_NOT_SUPPORTED = 2;
export const PCI_P2PDMA_MAP_BUS_ADDR = 3;
export const PCI_P2PDMA_MAP_THRU_HOST_BRIDGE = 4;

const NAMES = ['UNKNOWN', 'NONE', 'NOT_SUPPORTED', 'BUS_ADDR', 'THRU_HOST_BRIDGE'] as const;

/** The type without its prefix, as reports print it. */
export function mapTypeName(type: number): string {
  return NAMES[type] ?? `type ${type}`;
}
