import { AddressMap, arm64Zones, q35AddressMap, X86_64_ZONES, type ZoneLimits } from '@dmalab/phys-memory';
import type { MachineDescription } from '../machine-description.ts';

/** Where a SoC keeps its PCI window: below the lowest RAM, as QEMU's virt machine does. */
const SOC_WINDOW = { start: 0x1000_0000, end: 0x3efe_ffff, name: 'PCI Bus 0000:00' };

/** RAM and windows: a q35's where RAM begins at 0, else a SoC's, whose RAM is one piece. */
export function addressMapOf({ ramStart, memoryBytes }: MachineDescription): AddressMap {
  if (ramStart === 0) return q35AddressMap(memoryBytes);
  return new AddressMap([SOC_WINDOW, { start: ramStart, end: ramStart + memoryBytes - 1, name: 'System RAM' }]);
}

/** What ZONE_DMA and ZONE_DMA32 hold: on a SoC everything up to 4 GiB is the former (spec P26, P27). */
export function zonesOf({ ramStart }: MachineDescription): ZoneLimits {
  return ramStart === 0 ? X86_64_ZONES : arm64Zones(Number.POSITIVE_INFINITY, ramStart);
}
