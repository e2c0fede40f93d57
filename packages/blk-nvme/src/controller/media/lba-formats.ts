/** Metadata bytes and log2 of the data bytes of each LBA format on offer (spec N152a). */
export const LBA_FORMATS = [
  { metadataBytes: 0, lbads: 9 },
  { metadataBytes: 8, lbads: 9 },
  { metadataBytes: 16, lbads: 9 },
  { metadataBytes: 64, lbads: 9 },
  { metadataBytes: 0, lbads: 12 },
  { metadataBytes: 8, lbads: 12 },
  { metadataBytes: 16, lbads: 12 },
  { metadataBytes: 64, lbads: 12 },
] as const;
