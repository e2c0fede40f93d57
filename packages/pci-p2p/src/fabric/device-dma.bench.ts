import { benchmarks, type Kernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { enumerateFabric } from '../host/enumerate.ts';
import { PciDevice } from '../host/pci-device.ts';
import { ENDPOINT, q35Fabric } from '../testing/machine.ts';
import { devfn } from './address.ts';

const OPERATIONS = 2000;
const WORKING_SET = 2 ** 20;

/** Writes of that size from a root-complex endpoint to 1 MiB of memory above 2 GiB, where addresses are doubles. */
function deviceWrites(lengthBytes: number): Kernel {
  const base = 0xa000_0000;
  const memory = new PhysMemory({ spans: [{ start: 0, end: 0xbfff_ffff }] });
  const fabric = q35Fabric({ memory });
  const endpoint = fabric.rootBus.add(devfn(4), { ...ENDPOINT, portType: 9 });
  enumerateFabric(fabric);
  new PciDevice(fabric, 0, endpoint.rid).enable();
  const buffer = new Uint8Array(lengthBytes).fill(7);
  return () => {
    let fault = 0;
    for (let i = 0; i < OPERATIONS; i++) fault |= endpoint.port.write(base + ((i * lengthBytes) % WORKING_SET), buffer);
    if (fault !== 0 || memory.load8(base) !== 7) throw new Error('the bytes did not arrive');
    return memory.load32(base);
  };
}

/** The same copies inside one array. */
function hotCopies(lengthBytes: number): Kernel {
  const bytes = new Uint8Array(2 * WORKING_SET).fill(7);
  return () => {
    for (let i = 0; i < OPERATIONS; i++)
      bytes.copyWithin((i * lengthBytes) % WORKING_SET, WORKING_SET, WORKING_SET + lengthBytes);
    return bytes[0];
  };
}

function loopCopies(lengthBytes: number): Kernel {
  const to = new Uint8Array(WORKING_SET);
  const from = new Uint8Array(lengthBytes).fill(7);
  return () => {
    for (let i = 0; i < OPERATIONS; i++) {
      const at = (i * lengthBytes) % WORKING_SET;
      for (let byte = 0; byte < lengthBytes; byte++) to[at + byte] = from[byte];
    }
    return to[0];
  };
}

export default benchmarks([
  {
    name: 'device write, 4 KiB, hot',
    operations: OPERATIONS,
    tested: () => deviceWrites(4096),
    limitName: 'hot copy of 4 KiB',
    limit: () => hotCopies(4096),
    atMost: 1.5,
    goal: 9,
  },
  {
    name: 'device write, 64 B, hot',
    operations: OPERATIONS,
    tested: () => deviceWrites(64),
    limitName: 'loop of 64 B',
    limit: () => loopCopies(64),
    atMost: 2.5,
    goal: 9,
  },
]);
