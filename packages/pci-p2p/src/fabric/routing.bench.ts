import { benchmarks, type Kernel } from '@dmalab/bench';
import { enumerateFabric } from '../host/enumerate.ts';
import { PciDevice } from '../host/pci-device.ts';
import { q35Fabric } from '../testing/machine.ts';
import { addEndpoint, addRootPort, addSwitch, below } from '../testing/topology.ts';
import type { PciFabric } from './pci-fabric.ts';
import { AT_UNTRANSLATED, ROUTED_TO_FUNCTION, ROUTED_TO_MEMORY, WIRE_ADDRESS, WIRE_PHYS } from './router.ts';

const OPERATIONS = 10_000;

/** Switches on the way; each is two ports, and the root port is a seventh. */
const SWITCHES = 3;

/** An endpoint below three cascaded switches, with a neighbour beside it at each level. */
function cascade() {
  const fabric: PciFabric = q35Fabric();
  let port = addRootPort(fabric.rootBus, 1);
  const neighbours = [];
  for (let level = 0; level < 3; level++) {
    const { downstream } = addSwitch(port, 4);
    neighbours.push(addEndpoint(below(downstream[1])));
    port = downstream[0];
  }
  const endpoint = addEndpoint(below(port));
  enumerateFabric(fabric);
  for (const { rid } of [endpoint, ...neighbours]) new PciDevice(fabric, 0, rid).enable();
  return { fabric, endpoint, outermost: neighbours[0] };
}

function toMemory(): Kernel {
  const { fabric, endpoint } = cascade();
  const { router } = fabric;
  const { wire } = router;
  return () => {
    let sum = 0;
    for (let i = 0; i < OPERATIONS; i++) {
      wire[WIRE_ADDRESS] = i * 4096;
      if (router.route(endpoint, AT_UNTRANSLATED, 1, 512) === ROUTED_TO_MEMORY) sum += wire[WIRE_PHYS];
    }
    if (sum !== 4096 * ((OPERATIONS * (OPERATIONS - 1)) / 2)) throw new Error('a request went astray');
    return sum;
  };
}

function toPeer(): Kernel {
  const { fabric, endpoint, outermost } = cascade();
  const { router } = fabric;
  const { wire } = router;
  const to = outermost.barBusAddress(4);
  return () => {
    let sum = 0;
    for (let i = 0; i < OPERATIONS; i++) {
      wire[WIRE_ADDRESS] = to + (i & 0xff) * 4096;
      if (router.route(endpoint, AT_UNTRANSLATED, 1, 512) === ROUTED_TO_FUNCTION) sum += router.targetOffset;
    }
    if (sum === 0) throw new Error('the peer was not reached');
    return sum;
  };
}

/** One hit in a direct-mapped cache for each hop: the limit of goal 7, once a switch. */
function hits(): Kernel {
  const tags = new Int32Array(1024).map((_, i) => i);
  const frames = new Int32Array(1024).map((_, i) => 7 * i);
  return () => {
    let sum = 0;
    for (let i = 0; i < OPERATIONS; i++)
      for (let hop = 0; hop < SWITCHES; hop++) {
        const page = (i + hop) & 1023;
        if (tags[page] === page) sum = (sum + frames[page]) | 0;
      }
    return sum;
  };
}

/** Goal 24: twice goal 7 a hop, which is 6 hits. A peer is looked up a second time on its way down. */
const ATMOST = 2 * 6;

export default benchmarks([
  {
    name: 'request up through three switches to memory',
    operations: OPERATIONS,
    tested: toMemory,
    limitName: '3 cache hits',
    limit: hits,
    atMost: ATMOST,
    goal: 24,
  },
  {
    name: 'request up two switches and down to a peer',
    operations: OPERATIONS,
    tested: toPeer,
    limitName: '3 cache hits',
    limit: hits,
    atMost: 2 * ATMOST,
  },
]);
