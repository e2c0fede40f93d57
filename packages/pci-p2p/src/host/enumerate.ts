import type { HostWindow } from '../fabric/host-bridge.ts';
import type { PciFabric } from '../fabric/pci-fabric.ts';
import { assignResources } from './assign-resources.ts';
import type { ConfigAccess } from './config-access.ts';
import { scanBus } from './scan-bus.ts';

/** What software knows of a host bridge before it looks (from firmware). */
export interface RootBridgeInfo {
  readonly domain: number;
  readonly rootBusNumber: number;
  readonly windows: readonly HostWindow[];
}

/** Numbers the buses below one host bridge and hands out its windows, by config accesses alone (spec T1, T5, T6). */
export function enumerate(access: ConfigAccess, bridge: RootBridgeInfo): void {
  assignResources(scanBus(access, bridge.domain, bridge.rootBusNumber), bridge.windows);
}

/** The same for every host bridge of a fabric. */
export function enumerateFabric(fabric: PciFabric): void {
  for (const bridge of fabric.hostBridges) enumerate(fabric, bridge);
}
