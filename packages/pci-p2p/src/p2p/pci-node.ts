/**
 * A PCI function as the kernel's peer-to-peer code sees it: who it is, what is above it and what its ACS control word
 * holds now. A function of a fabric is one; so is a function read from a dump.
 */
export interface PciNode {
  /** `dddd:bb:dd.f` */
  readonly name: string;
  readonly domain: number;
  readonly rid: number;
  readonly vendor: number;
  readonly device: number;
  readonly portType: number;
  /** The PF that a VF stands in for, else null (spec T11). */
  readonly physicalFunction: PciNode | null;
  /** The bridge function that owns this function's bus; null on a root bus. */
  readonly parentBridge: PciNode | null;
  readonly hostBridge: RootNode;
  /** Current ACS control word; 0 without the capability (spec T38). */
  readonly acsControl: number;
}

/** A host bridge, compared by identity. */
export interface RootNode {
  /** First function of the root bus in discovery order (spec T44). */
  readonly firstFunction: PciNode | undefined;
}

/** The next node of a path: a VF sits where its PF sits; null above a root bus (spec T37). */
export function upstream(node: PciNode): PciNode | null {
  return (node.physicalFunction ?? node).parentBridge;
}
