import { findExtendedCapability } from '../config/capability-walk.ts';
import type { PciFunction } from '../fabric/pci-function.ts';
import { PCI_ACS_CTRL, PCI_EXT_CAP_ID_ACS } from '../spec/capability-ids.ts';

/** Writes the ACS control word of each, as `setpci` would. */
export function setAcs(control: number, ...functions: readonly PciFunction[]): void {
  for (const target of functions) {
    const at = findExtendedCapability(target.config, PCI_EXT_CAP_ID_ACS);
    if (at === 0) throw new Error(`${target.name} has no ACS capability`);
    target.writeConfig(at + PCI_ACS_CTRL, 2, control);
  }
}
