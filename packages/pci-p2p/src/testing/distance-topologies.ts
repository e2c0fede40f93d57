import { PhysMemory } from '@dmalab/phys-memory';
import { devfn } from '../fabric/address.ts';
import { PciFabric } from '../fabric/pci-fabric.ts';
import type { PciFunction } from '../fabric/pci-function.ts';
import { ENDPOINT, HOST_BRIDGE_FUNCTION, Q35_WINDOWS } from './machine.ts';
import { addEndpoint, addRootPort, addSwitch, below } from './topology.ts';

/** Root devices of the vectors: U unlisted, W listed, S listed for the same bridge only, G Google (spec T80). */
const ROOTS: Readonly<Record<string, readonly [vendor: number, device: number]>> = {
  U: [0x8086, 0x29c0],
  W: [0x8086, 0x2020],
  S: [0x8086, 0x2f00],
  G: [0x1ae0, 0x1f01],
};

/** CPU addresses between the windows of one host bridge and the next. */
const BRIDGE_STRIDE = 0x100_0000_0000;

/** A root-complex integrated endpoint. */
export const RCIEP = { ...ENDPOINT, portType: 9, acs: { capability: 0x207f } };

/** One host bridge, in a domain of its own, for each letter. */
export function rootedFabric(roots: string): PciFabric {
  const hostBridges = [...roots].map((_, domain) => ({
    domain,
    windows: Q35_WINDOWS.map((window) => ({
      ...window,
      cpuStart: window.cpuStart + domain * BRIDGE_STRIDE,
      offset: domain * BRIDGE_STRIDE,
    })),
  }));
  const fabric = new PciFabric({ memory: new PhysMemory(), hostBridges });
  for (const [i, root] of [...roots].entries()) {
    const [vendor, device] = ROOTS[root];
    fabric.hostBridges[i].rootBus.add(0, { ...HOST_BRIDGE_FUNCTION, vendor, device });
  }
  return fabric;
}

/** Builds each topology of spec T80 and names its functions as the rows do. */
export const TOPOLOGIES: Readonly<Record<string, (fabric: PciFabric) => Record<string, PciFunction>>> = {
  endpoints: ({ rootBus }) => ({ E0: rootBus.add(devfn(1), RCIEP), E1: rootBus.add(devfn(2), RCIEP) }),
  'two host bridges': ({ hostBridges }) => ({
    E0: hostBridges[0].rootBus.add(devfn(1), RCIEP),
    E1: hostBridges[1].rootBus.add(devfn(1), RCIEP),
  }),
  'two root ports': ({ rootBus }) => {
    const [RPa, RPb] = [addRootPort(rootBus, 1), addRootPort(rootBus, 2)];
    return { RPa, RPb, A: addEndpoint(below(RPa)), B: addEndpoint(below(RPb)) };
  },
  'root port and endpoint': ({ rootBus }) => {
    const RP = addRootPort(rootBus, 1);
    return { RP, A: addEndpoint(below(RP)), E: rootBus.add(devfn(2), RCIEP) };
  },
  'two functions': ({ rootBus }) => {
    const RP = addRootPort(rootBus, 1);
    return { RP, 'A.0': addEndpoint(below(RP), 0), 'A.1': addEndpoint(below(RP), 1) };
  },
  switch: ({ rootBus }) => {
    const RP = addRootPort(rootBus, 1);
    const { upstream: US, downstream } = addSwitch(RP, 2);
    const [DS1, DS2] = downstream;
    const A = addEndpoint(below(DS1), 0);
    return { RP, US, DS1, DS2, A, C: addEndpoint(below(DS1), 1), B: addEndpoint(below(DS2)) };
  },
  cascade: ({ rootBus }) => {
    const RP = addRootPort(rootBus, 1);
    const { upstream: US, downstream } = addSwitch(RP, 2);
    const [DS1, DS2] = downstream;
    const inner = addSwitch(DS2, 2);
    const [DS3, DS4] = inner.downstream;
    const endpoints = { A: addEndpoint(below(DS1)), C: addEndpoint(below(DS3)), D: addEndpoint(below(DS4)) };
    return { RP, US, DS1, DS2, US2: inner.upstream, DS3, DS4, ...endpoints };
  },
  'two switches': ({ rootBus }) => {
    const [RPa, RPb] = [addRootPort(rootBus, 1), addRootPort(rootBus, 2)];
    const D1 = addSwitch(RPa, 1).downstream[0];
    const D2 = addSwitch(RPb, 1).downstream[0];
    return { RPa, RPb, D1, D2, A: addEndpoint(below(D1)), B: addEndpoint(below(D2)) };
  },
  'switch and endpoint': ({ rootBus }) => {
    const DS = addSwitch(addRootPort(rootBus, 1), 1).downstream[0];
    return { DS, A: addEndpoint(below(DS)), E: rootBus.add(devfn(2), RCIEP) };
  },
  'virtual functions': ({ rootBus }) => {
    const RP = addRootPort(rootBus, 1);
    const PF = addEndpoint(below(RP));
    const vf = (n: number) => below(RP).add(n, ENDPOINT, PF);
    return { RP, PF, VF: vf(1), VF2: vf(2) };
  },
};
