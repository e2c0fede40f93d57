import { PhysMemory } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { devfn } from '../fabric/address.ts';
import { PciFabric } from '../fabric/pci-fabric.ts';
import { enumerateFabric } from '../host/enumerate.ts';
import { setAcs } from '../testing/acs.ts';
import { RCIEP, rootedFabric, TOPOLOGIES } from '../testing/distance-topologies.ts';
import { Q35_WINDOWS } from '../testing/machine.ts';
import { mapTypeAndDistance } from './distance.ts';
import type { KernelMessage } from './kernel-messages.ts';
import { mapTypeName } from './map-type.ts';

const TYPES: Readonly<Record<string, string>> = { NS: 'NOT_SUPPORTED', BA: 'BUS_ADDR', HB: 'THRU_HOST_BRIDGE' };

/**
 * The rows of spec T80 (7 and 8 below): control words, provider and client, distance, then the type by root devices
 * ("WG" is a provider under W and a client under G) and with a Zen CPU, the names in L2, and what U prints.
 */
const ROWS = `
   1 | endpoints              |                      | E0 E0   | 0 | U BA, W BA | BA |           |
   2 | endpoints              |                      | E0 E1   | 2 | U NS, W HB | HB |           | L4
   3 | endpoints              |                      | E0 E1   | 2 | S HB       | HB |           |
   4 | two host bridges       |                      | E0 E1   | 2 | SS NS      | HB |           |
   5 | two host bridges       |                      | E0 E1   | 2 | WG HB      | HB |           |
   6 | two host bridges       |                      | E0 E1   | 2 | WU NS      | HB |           |
   6 | two host bridges       |                      | E1 E0   | 2 | WU NS      | HB |           |
   9 | two root ports         |                      | A B     | 4 | U NS, W HB | HB |           | L4
   9 | two root ports         | RPa 1d, RPb 1d       | A B     | 4 | U NS, W HB | HB |           | L4
  10 | root port and endpoint |                      | A E     | 3 | U NS, W HB | HB |           | L4
  11 | two functions          |                      | A.0 A.1 | 2 | U BA, W BA | BA |           |
  12 | two functions          | RP 1d                | A.0 A.1 | 2 | U NS, W HB | HB | RP        | L1 L2 L3 L4
  13 | two functions          | RP 11                | A.0 A.1 | 2 | U BA, W BA | BA |           |
  14 | two functions          | RP 08                | A.0 A.1 | 2 | U NS, W HB | HB | RP        | L1 L2 L3 L4
  14 | two functions          | RP 20                | A.0 A.1 | 2 | U NS, W HB | HB | RP        | L1 L2 L3 L4
  15 | two functions          | A.0 1d, A.1 1d       | A.0 A.1 | 2 | U NS, W HB | HB | A.0;A.1   | L1 L2 L3 L4
  16 | two functions          | A.0 1d, A.1 1d       | A.0 A.0 | 0 | U NS, W HB | HB | A.0       | L1 L2 L3 L4
  17 | switch                 |                      | A B     | 4 | U BA, W BA | BA |           |
  18 | switch                 | RP 1d                | A B     | 4 | U BA, W BA | BA |           |
  19 | switch                 | DS1 1d, DS2 1d       | A B     | 4 | U NS, W HB | HB | DS1;DS2   | L1 L2 L3 L4
  20 | switch                 | DS1 1d, DS2 1d       | B A     | 4 | U NS, W HB | HB | DS2;DS1   | L1 L2 L3 L4
  21 | switch                 | DS1 1d               | A B     | 4 | U NS, W HB | HB | DS1       | L1 L2 L3 L4
  21 | switch                 | DS1 1d               | B A     | 4 | U NS, W HB | HB | DS1       | L1 L2 L3 L4
  22 | switch                 | US 1d                | A B     | 4 | U NS, W HB | HB | US        | L1 L2 L3 L4
  23 | switch                 | DS1 1d, DS2 1d       | A A     | 0 | U BA, W BA | BA |           |
  24 | switch                 |                      | A C     | 2 | U BA, W BA | BA |           |
  25 | switch                 | DS1 1d               | A C     | 2 | U NS, W HB | HB | DS1       | L1 L2 L3 L4
  26 | switch                 |                      | A DS1   | 1 | U BA, W BA | BA |           |
  26 | switch                 |                      | A US    | 2 | U BA, W BA | BA |           |
  26 | switch                 |                      | A RP    | 3 | U BA, W BA | BA |           |
  27 | cascade                |                      | A C     | 6 | U BA, W BA | BA |           |
  28 | cascade                |                      | C D     | 4 | U BA, W BA | BA |           |
  29 | cascade                | DS3 1d               | A C     | 6 | U NS, W HB | HB | DS3       | L1 L2 L3 L4
  30 | cascade                | DS2 1d               | C D     | 4 | U BA, W BA | BA |           |
  31 | cascade                | DS2 1d               | A C     | 6 | U NS, W HB | HB | DS2       | L1 L2 L3 L4
  32 | two switches           |                      | A B     | 8 | U NS, W HB | HB |           | L4
  32 | two switches           | D1 1d, RPa 1d, D2 1d | A B     | 8 | U NS, W HB | HB |           | L4
  33 | switch and endpoint    |                      | A E     | 5 | U NS, W HB | HB |           | L4
  34 | virtual functions      |                      | PF VF   | 2 | U BA, W BA | BA |           |
  34 | virtual functions      |                      | VF VF2  | 2 | U BA, W BA | BA |           |
  35 | virtual functions      | RP 1d                | PF VF   | 2 | U NS, W HB | HB | RP        | L1 L2 L3 L4`;

const pairsOf = (cell: string) => (cell === '' ? [] : cell.split(', ').map((item) => item.split(' ')));

/** One case for each root and one for Zen. */
const CASES = ROWS.trim()
  .split('\n')
  .flatMap((line) => {
    const [row, topology, acs, pair, dist, types, zen, names, logs] = line.split('|').map((cell) => cell.trim());
    const common = { row, topology, acs, pair, dist: Number(dist), names, logs };
    const listed = pairsOf(types).map(([roots, type]) => ({ ...common, roots, isZen: false, type }));
    return [...listed, { ...common, roots: listed[0].roots, isZen: true, type: zen }];
  });

function query({ topology, acs, pair, roots, isZen }: (typeof CASES)[number]) {
  const fabric = rootedFabric(roots);
  const functions = TOPOLOGIES[topology](fabric);
  enumerateFabric(fabric);
  for (const [name, control] of pairsOf(acs)) setAcs(Number.parseInt(control, 16), functions[name]);
  const log: KernelMessage[] = [];
  const sink = (message: KernelMessage) => void log.push(message);
  const [provider, client] = pair.split(' ').map((name) => functions[name]);
  return { ...mapTypeAndDistance(provider, client, { verbose: sink, log: sink, isZen }), log, functions, client };
}

describe('T80 distance and map type', () => {
  it.each(CASES)('row $row: $topology ($acs), $pair under $roots, Zen $isZen: $type, $dist', (row) => {
    const { type, distance, log, functions, client } = query(row);
    expect(mapTypeName(type)).toBe(TYPES[row.type]);
    expect(distance).toBe(row.dist);
    if (row.roots === 'U' && !row.isZen) expect(log.map(({ id }) => id).join(' ')).toBe(row.logs);
    const parameter = log.find(({ id }) => id === 'L2');
    const names = row.names === '' ? [] : row.names.split(';').map((name) => functions[name].name);
    expect(parameter?.text.split('disable_acs_redir=')[1] ?? '').toBe(names.join(';'));
    if (parameter !== undefined) expect(parameter.device).toBe(client.name);
  });

  it.each([
    { row: 7, portType: 9, type: 'NOT_SUPPORTED', logs: 'L4' },
    { row: 8, portType: 4, type: 'THRU_HOST_BRIDGE', logs: '' },
  ])('row $row: a first function at 01.0 of port type $portType gives $type and prints "$logs"', (row) => {
    const fabric = new PciFabric({ memory: new PhysMemory(), hostBridges: [{ windows: Q35_WINDOWS }] });
    fabric.rootBus.add(devfn(1), { vendor: 0x8086, device: 0x2030, portType: row.portType });
    const [provider, client] = [fabric.rootBus.add(devfn(2), RCIEP), fabric.rootBus.add(devfn(3), RCIEP)];
    const log: KernelMessage[] = [];
    const sink = (message: KernelMessage) => void log.push(message);
    const { type, distance } = mapTypeAndDistance(provider, client, { verbose: sink, log: sink, isZen: false });
    expect([mapTypeName(type), distance, log.map(({ id }) => id).join(' ')]).toEqual([row.type, 2, row.logs]);
  });

  it('L1 to L4 say who, to whom and what would help', () => {
    const { log } = query({
      row: '12',
      topology: 'two functions',
      acs: 'RP 1d',
      pair: 'A.0 A.1',
      dist: 2,
      names: '',
      logs: '',
      roots: 'U',
      isZen: false,
      type: '',
    });
    expect(log.map(({ device, text }) => `${device}: ${text}`)).toEqual([
      '0000:01:00.1: ACS redirect is set between the client and provider (0000:01:00.0)',
      '0000:01:00.1: to disable ACS redirect for this path, add the kernel parameter: pci=disable_acs_redir=0000:00:01.0',
      '0000:00:00.0: Host bridge not in P2PDMA whitelist: 8086:29c0',
      '0000:01:00.1: cannot be used for peer-to-peer DMA as the client and provider (0000:01:00.0) do not share an upstream bridge or whitelisted host bridge',
    ]);
  });
});
