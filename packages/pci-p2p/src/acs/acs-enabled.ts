import { findExtendedCapability } from '../config/capability-walk.ts';
import { PCI_ACS_CAP, PCI_ACS_CTRL, PCI_ACS_EC, PCI_EXT_CAP_ID_ACS } from '../spec/capability-ids.ts';
import { PCI_HEADER_TYPE, PCI_HEADER_TYPE_MFD } from '../spec/header.ts';
import * as T from '../spec/port-type.ts';
import type { AcsNode } from './acs-node.ts';

/**
 * `pci_acs_enabled`: whether a function isolates what `flags` ask for, which decides the IOMMU's groups (spec T49). A
 * flag that the capability does not offer counts as given, except egress control.
 */
export function pciAcsEnabled(node: AcsNode, flags: number): boolean {
  switch (node.portType) {
    case T.CONVENTIONAL_PCI:
    case T.PCI_EXP_TYPE_PCI_BRIDGE:
    case T.PCI_EXP_TYPE_PCIE_BRIDGE:
    case T.PCI_EXP_TYPE_RC_EC:
      return false;
    case T.PCI_EXP_TYPE_ROOT_PORT:
    case T.PCI_EXP_TYPE_DOWNSTREAM:
      return controlHas(node, flags);
    default:
      return !isMultiFunction(node) || controlHas(node, flags);
  }
}

function controlHas(node: AcsNode, flags: number): boolean {
  const at = findExtendedCapability({ read: (offset, width) => node.readConfig(offset, width) }, PCI_EXT_CAP_ID_ACS);
  if (at === 0) return false;
  const needed = flags & (node.readConfig(at + PCI_ACS_CAP, 2) | PCI_ACS_EC);
  return (node.readConfig(at + PCI_ACS_CTRL, 2) & needed) === needed;
}

/** Ours marks every function of such a device, hardware function 0 only; either is enough here. */
function isMultiFunction(node: AcsNode): boolean {
  return (node.readConfig(PCI_HEADER_TYPE, 1) & PCI_HEADER_TYPE_MFD) !== 0;
}
