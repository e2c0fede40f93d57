import type { QemuBinary } from '../process/qemu-binary.ts';

/** Where the IOMMUs of QEMU's machines have their registers (spec B47, B50, H32). */
export const VTD_BASE = 0xfed9_0000;
export const AMD_BASE = 0xfed8_0000;
export const SMMU_BASE = 0x0905_0000;

/** The property that gives VT-d its scalable mode, which lost a prefix on the way; undefined where there is none. */
export function vtdScalableProperty(binary: QemuBinary): string | undefined {
  return ['scalable-mode', 'x-scalable-mode'].find((property) => binary.hasProperty('intel-iommu', property));
}
