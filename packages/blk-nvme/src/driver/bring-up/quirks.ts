/** Device identities that the kernel treats specially, among emulated ones (spec N69). Bits of a set. */
export const NVME_QUIRK_BOGUS_NID = 1 << 0;
/** Identify knows CNS 0 and 1 only. */
export const NVME_QUIRK_IDENTIFY_CNS = 1 << 1;
export const NVME_QUIRK_DISABLE_WRITE_ZEROES = 1 << 2;

/** PCI identity of a function. */
export interface PciId {
  readonly vendor: number;
  readonly device: number;
}

const QEMU: PciId = { vendor: 0x1b36, device: 0x0010 };
const QEMU_OLD: PciId = { vendor: 0x8086, device: 0x5845 };

/** Quirks of that device; none without an identity. */
export function quirksOf(id: PciId | undefined): number {
  if (matches(id, QEMU)) return NVME_QUIRK_BOGUS_NID;
  if (matches(id, QEMU_OLD)) return NVME_QUIRK_BOGUS_NID | NVME_QUIRK_IDENTIFY_CNS | NVME_QUIRK_DISABLE_WRITE_ZEROES;
  return 0;
}

function matches(id: PciId | undefined, listed: PciId): boolean {
  return id !== undefined && id.vendor === listed.vendor && id.device === listed.device;
}
