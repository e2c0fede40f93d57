import { CONVENTIONAL_PCI, PCI_EXP_TYPE_PCI_BRIDGE, PCI_EXP_TYPE_PCIE_BRIDGE } from '../spec/port-type.ts';
import { requesterId } from './address.ts';
import type { PciFunction } from './pci-function.ts';

/** The requester id on the far side of a bridge, for a request that reached its secondary side as `rid` (spec H8). */
export function aliasAbove(bridge: PciFunction, rid: number): number {
  if (bridge.portType === PCI_EXP_TYPE_PCI_BRIDGE) return requesterId(bridge.secondaryNumber, 0);
  if (bridge.portType === CONVENTIONAL_PCI || bridge.portType === PCI_EXP_TYPE_PCIE_BRIDGE) return bridge.rid;
  return rid;
}

/**
 * Every requester id that requests of this function may carry, its own first, the one that the IOMMU sees last; drivers
 * install the same translation for each (spec H8).
 */
export function requesterAliases(from: PciFunction): number[] {
  const ids = [from.rid];
  for (let bridge = from.bus.bridge; bridge !== null; bridge = bridge.bus.bridge) {
    const id = aliasAbove(bridge, ids[ids.length - 1]);
    if (!ids.includes(id)) ids.push(id);
  }
  return ids;
}
