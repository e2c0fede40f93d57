const NAMES = ['UNKNOWN', 'NONE', 'NOT_SUPPORTED', 'BUS_ADDR', 'THRU_HOST_BRIDGE'] as const;

/** A map type of spec T30 without its prefix, as reports print it. */
export function mapTypeName(type: number): string {
  return NAMES[type] ?? `type ${type}`;
}
