import type { FunctionDescription } from '../config/function-description.ts';
import { devfn } from '../fabric/address.ts';
import { MemoryBar } from '../fabric/bar-handler.ts';
import type { PciBus } from '../fabric/pci-bus.ts';
import type { PciFunction } from '../fabric/pci-function.ts';
import { PCI_EXP_TYPE_DOWNSTREAM, PCI_EXP_TYPE_ROOT_PORT, PCI_EXP_TYPE_UPSTREAM } from '../spec/port-type.ts';
import { ENDPOINT } from './machine.ts';

/** ACS with everything but egress control, as QEMU's root port offers it (spec T45), and with it. */
export const ACS_5F = { capability: 0x5f };
export const ACS_7F = { capability: 0x207f };

const PORT: FunctionDescription = { vendor: 0x1b36, device: 0x000c, classCode: 0x06_0400, acs: ACS_7F };

export function addRootPort(bus: PciBus, device: number): PciFunction {
  return bus.add(devfn(device), { ...PORT, portType: PCI_EXP_TYPE_ROOT_PORT });
}

/** The bus below a bridge. */
export function below(bridge: PciFunction): PciBus {
  if (bridge.secondaryBus === null) throw new Error(`${bridge.name} is no bridge`);
  return bridge.secondaryBus;
}

export interface Switch {
  readonly upstream: PciFunction;
  readonly downstream: readonly PciFunction[];
}

/** A switch below a port; all its ports have ACS, cleared. */
export function addSwitch(port: PciFunction, downstreamPorts: number): Switch {
  const upstream = below(port).add(0, { ...PORT, portType: PCI_EXP_TYPE_UPSTREAM });
  const downstream = Array.from({ length: downstreamPorts }, (_, i) =>
    below(upstream).add(devfn(i), { ...PORT, portType: PCI_EXP_TYPE_DOWNSTREAM, portNumber: i + 1 }),
  );
  return { upstream, downstream };
}

/** An NVMe-like endpoint whose BAR 4 is memory. */
export function addEndpoint(bus: PciBus, functionNumber = 0, extra: Partial<FunctionDescription> = {}): PciFunction {
  const endpoint = bus.add(functionNumber, { ...ENDPOINT, acs: ACS_7F, ...extra });
  endpoint.attach(4, new MemoryBar(endpoint.barSize(4)));
  return endpoint;
}
