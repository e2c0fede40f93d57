import { nvmeFunction } from '@dmalab/blk-nvme/controller';
import {
  devfn,
  type FunctionDescription,
  PCI_EXP_TYPE_DOWNSTREAM,
  PCI_EXP_TYPE_RC_END,
  PCI_EXP_TYPE_ROOT_PORT,
  PCI_EXP_TYPE_UPSTREAM,
  type PciBus,
  type PciFabric,
  type PciFunction,
} from '@dmalab/pci-p2p';
import type { Attachment, DeviceDescription, MachineDescription } from '../machine-description.ts';

/** From 00:03.0 on, where the disk of the traced machines sits. */
const FIRST_ROOT_DEVICE = 3;
const FIRST_ROOT_PORT = 16;

/** Intel Q35's host bridge: on no list of those that forward between root ports (spec T39). */
const HOST_BRIDGE: FunctionDescription = {
  vendor: 0x8086,
  device: 0x29c0,
  classCode: 0x06_0000,
  portType: PCI_EXP_TYPE_RC_END,
};
const PORT = { vendor: 0x1b36, device: 0x000c, classCode: 0x06_0400 };
const ACS = { acs: { capability: 0x5f } };

/** BAR in which a peer offers its memory. */
export const PEER_BAR = 2;

/** Plugs everything in, in the order of the description, and gives each device's function. */
export function plugIn({ devices, cpus }: MachineDescription, fabric: PciFabric): PciFunction[] {
  fabric.rootBus.add(0, HOST_BRIDGE);
  const slots = new Slots(fabric.rootBus);
  return devices.map((device) => {
    const { bus, number } = slots.next(device.attachment);
    return bus.add(devfn(number), functionOf(device, cpus));
  });
}

function functionOf(device: DeviceDescription, cpus: number): FunctionDescription {
  if (device.kind === 'nvme') return nvmeFunction(cpus + 1);
  const bar = { index: PEER_BAR, kind: 'memory64', prefetchable: true, sizeBytes: device.barBytes } as const;
  return { vendor: 0x1af4, device: 0x1110, classCode: 0x03_0200, bars: [bar] };
}

/** Hands out free places, and makes ports for them. */
class Slots {
  readonly #rootBus: PciBus;
  #rootDevices = FIRST_ROOT_DEVICE;
  #rootPorts = FIRST_ROOT_PORT;
  #switchBus: PciBus | null = null;
  #switchPorts = 0;

  constructor(rootBus: PciBus) {
    this.#rootBus = rootBus;
  }

  next(attachment: Attachment): { bus: PciBus; number: number } {
    if (attachment === 'root-bus') return { bus: this.#rootBus, number: this.#rootDevices++ };
    if (attachment === 'root-port') return { bus: this.#rootPort(), number: 0 };
    this.#switchBus ??= below(this.#rootPort().add(0, { ...PORT, portType: PCI_EXP_TYPE_UPSTREAM }));
    const port = { ...PORT, ...ACS, portType: PCI_EXP_TYPE_DOWNSTREAM };
    return { bus: below(this.#switchBus.add(devfn(this.#switchPorts++), port)), number: 0 };
  }

  #rootPort(): PciBus {
    const port = { ...PORT, ...ACS, portType: PCI_EXP_TYPE_ROOT_PORT };
    return below(this.#rootBus.add(devfn(this.#rootPorts++), port));
  }
}

function below(bridge: PciFunction): PciBus {
  if (bridge.secondaryBus === null) throw new Error(`${bridge.name} is no bridge`);
  return bridge.secondaryBus;
}
