import { acsEnabled, acsPathEnabled, type GroupablePciDevice } from './acs.ts';

const FUNCTION_MASK = 7;

/**
 * The group that a PCI function must join because the IOMMU can't tell it from a member, or because both reach each other
 * without passing the IOMMU; null: it starts a group of its own (spec I121).
 */
export function pciDeviceGroup<Group>(
  device: GroupablePciDevice,
  others: readonly GroupablePciDevice[],
  groupOf: (device: GroupablePciDevice) => Group | null,
): Group | null {
  let point = device;
  for (const alias of device.upstreamAliases ?? []) {
    const group = groupOf(alias);
    if (group !== null) return group;
    point = alias;
  }
  for (let bridge = point.upstream; bridge !== null && !acsPathEnabled(bridge); bridge = bridge.upstream) {
    const group = groupOf(bridge);
    if (group !== null) return group;
    point = bridge;
  }
  const seen = new Set<GroupablePciDevice>();
  return aliasGroup(point, others, groupOf, seen) ?? functionGroup(point, others, groupOf, seen);
}

/** Functions of the same bus that use each other's requester ids, over any number of steps. */
function aliasGroup<Group>(
  device: GroupablePciDevice,
  others: readonly GroupablePciDevice[],
  groupOf: (device: GroupablePciDevice) => Group | null,
  seen: Set<GroupablePciDevice>,
): Group | null {
  seen.add(device);
  for (const other of others) {
    if (seen.has(other) || other.bus !== device.bus || !aliased(device, other)) continue;
    const group = groupOf(other) ?? aliasGroup(other, others, groupOf, seen);
    if (group !== null) return group;
  }
  return null;
}

/** Functions of one slot that nothing separates. */
function functionGroup<Group>(
  device: GroupablePciDevice,
  others: readonly GroupablePciDevice[],
  groupOf: (device: GroupablePciDevice) => Group | null,
  seen: Set<GroupablePciDevice>,
): Group | null {
  if (!device.multifunction || acsEnabled(device)) return null;
  for (const other of others) {
    if (other === device || !sameSlot(device, other) || acsEnabled(other)) continue;
    const group = groupOf(other) ?? aliasGroup(other, others, groupOf, seen);
    if (group !== null) return group;
  }
  return null;
}

function aliased(a: GroupablePciDevice, b: GroupablePciDevice): boolean {
  return (a.aliases?.includes(b.devfn) ?? false) || (b.aliases?.includes(a.devfn) ?? false);
}

function sameSlot(a: GroupablePciDevice, b: GroupablePciDevice): boolean {
  return a.bus === b.bus && (a.devfn | FUNCTION_MASK) === (b.devfn | FUNCTION_MASK);
}
