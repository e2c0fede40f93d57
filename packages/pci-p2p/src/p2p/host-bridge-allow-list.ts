import { PCI_EXP_TYPE_ROOT_PORT } from '../spec/port-type.ts';
import { logNotListed, type MessageSink } from './kernel-messages.ts';
import type { PciNode, RootNode } from './pci-node.ts';

interface AllowedBridge {
  readonly vendor: number;
  /** Null allows every device of the vendor. */
  readonly devices: readonly number[] | null;
  readonly sameBridgeOnly: boolean;
}

/** Root devices whose host bridge is known to forward peer requests, in table order (spec T44). */
const ALLOWED: readonly AllowedBridge[] = [
  { vendor: 0x8086, devices: [0x3c00, 0x3c01, 0x2f00, 0x2f01], sameBridgeOnly: true },
  {
    vendor: 0x8086,
    devices: [
      0x2030, 0x2031, 0x2032, 0x2033, 0x2020, 0x09a2, 0x0b25, 0x0cfe, 0x11fb, 0x1212, 0x1216, 0x4940, 0x4942, 0x4944,
      0x4946, 0x4948,
    ],
    sameBridgeOnly: false,
  },
  { vendor: 0x1ae0, devices: null, sameBridgeOnly: false },
  { vendor: 0x10de, devices: [0x2f95, 0x2f96, 0x2f97, 0x2f98], sameBridgeOnly: false },
];

/** `host_bridge_whitelist`: whether peers may talk through their host bridges; L3 when asked to warn (spec T43). */
export function hostBridgesAllowed(provider: PciNode, client: PciNode, warn: MessageSink | null): boolean {
  const { hostBridge } = provider;
  if (hostBridge === client.hostBridge) return isAllowed(hostBridge, true, warn);
  return isAllowed(hostBridge, false, warn) && isAllowed(client.hostBridge, false, warn);
}

function isAllowed(bridge: RootNode, same: boolean, warn: MessageSink | null): boolean {
  const root = rootDevice(bridge);
  if (root === null) return false;
  const match = ALLOWED.find(
    ({ vendor, devices }) => vendor === root.vendor && (devices?.includes(root.device) ?? true),
  );
  if (match !== undefined) return same || !match.sameBridgeOnly;
  if (warn !== null) logNotListed(warn, root);
  return false;
}

/** What stands for a host bridge: its first function, if that is at 00.0 or a root port (spec T44). */
export function rootDevice({ firstFunction }: RootNode): PciNode | null {
  if (firstFunction === undefined) return null;
  const isRoot = (firstFunction.rid & 0xff) === 0 || firstFunction.portType === PCI_EXP_TYPE_ROOT_PORT;
  return isRoot ? firstFunction : null;
}
