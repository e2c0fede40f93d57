import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { enumerateFabric } from '../host/enumerate.ts';
import { mapTypeAndDistance } from '../p2p/distance.ts';
import { setAcs } from '../testing/acs.ts';
import { rootedFabric, TOPOLOGIES } from '../testing/distance-topologies.ts';
import { renderLspciHex } from '../testing/render-lspci.ts';
import { renderTopology } from './draw-topology.ts';
import { TopologyInputError } from './dump-error.ts';
import { UNKNOWN } from './dump-function.ts';
import { buildTopology } from './dump-topology.ts';
import { readTopology } from './read-topology.ts';
import { studyTopology } from './topology-report.ts';

/** A switch with two NVMe disks, in lspci's words; the ports redirect, the second disk was read without privilege. */
const VERBOSE = `
00:00.0 Host bridge [0600]: Intel Corporation Sky Lake-E DMI3 Registers [8086:2020] (rev 04)
\tControl: I/O- Mem- BusMaster- SpecCycle-

00:02.0 PCI bridge [0604]: Intel Corporation Root Port [8086:2030] (rev 04) (prog-if 00 [Normal decode])
\tControl: I/O+ Mem+ BusMaster+
\tBus: primary=00, secondary=01, subordinate=04, sec-latency=0
\tMemory behind bridge: b8000000-b81fffff [size=2M] [32-bit]
\tCapabilities: [90] Express (v2) Root Port (Slot+), MSI 00
\t\tDevCap:\tMaxPayload 256 bytes, PhantFunc 0
\tCapabilities: [110 v1] Access Control Services
\t\tACSCap:\tSrcValid+ TransBlk+ ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans-
\t\tACSCtl:\tSrcValid+ TransBlk- ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans-

01:00.0 PCI bridge [0604]: PLX Technology, Inc. PEX 8747 [10b5:8747] (rev ca) (prog-if 00 [Normal decode])
\tRegion 0: Memory at b8200000 (32-bit, non-prefetchable) [size=256K]
\tBus: primary=01, secondary=02, subordinate=04, sec-latency=0
\tCapabilities: [68] Express (v2) Upstream Port, MSI 00

02:08.0 PCI bridge [0604]: PLX Technology, Inc. PEX 8747 [10b5:8747] (rev ca) (prog-if 00 [Normal decode])
\tBus: primary=02, secondary=03, subordinate=03, sec-latency=0
\tCapabilities: [68] Express (v2) Downstream Port (Slot+), MSI 00
\tCapabilities: [f24 v1] Access Control Services
\t\tACSCap:\tSrcValid+ TransBlk+ ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl+ DirectTrans+
\t\tACSCtl:\tSrcValid+ TransBlk- ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans-

02:10.0 PCI bridge [0604]: PLX Technology, Inc. PEX 8747 [10b5:8747] (rev ca) (prog-if 00 [Normal decode])
\tBus: primary=02, secondary=04, subordinate=04, sec-latency=0
\tCapabilities: [68] Express (v2) Downstream Port (Slot+), MSI 00
\tCapabilities: [f24 v1] Access Control Services
\t\tACSCap:\tSrcValid+ TransBlk+ ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl+ DirectTrans+
\t\tACSCtl:\tSrcValid+ TransBlk- ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans-

03:00.0 Non-Volatile memory controller [0108]: Samsung NVMe SSD [144d:a808] (prog-if 02 [NVM Express])
\tControl: I/O- Mem+ BusMaster+
\tRegion 0: Memory at b8000000 (64-bit, non-prefetchable) [size=16K]
\tRegion 2: Memory at 380000000000 (64-bit, prefetchable) [size=1G]
\tCapabilities: [70] Express (v2) Endpoint, MSI 00
\tCapabilities: [100 v2] Advanced Error Reporting
\tKernel driver in use: nvme

04:00.0 Non-Volatile memory controller [0108]: Samsung NVMe SSD [144d:a808] (prog-if 02 [NVM Express])
\tControl: I/O- Mem+ BusMaster+
\tRegion 0: [virtual] Memory at b8100000 (64-bit, non-prefetchable) [size=16K]
\tCapabilities: <access denied>
`;

const pairOf = (text: string, provider: string, client: string, options = {}) => {
  const { report } = studyTopology(readTopology(text), options);
  const pair = report.pairs.find((item) => item.provider === provider && item.client === client);
  if (pair === undefined) throw new Error(`no pair ${provider} ${client}`);
  return pair;
};

describe('lspci -vvv', () => {
  it('reads ports, bus numbers, ACS words, BARs and drivers', () => {
    const { functions } = readTopology(VERBOSE);
    expect(functions.map(({ portType }) => portType)).toEqual([UNKNOWN, 4, 5, 6, 6, 0, UNKNOWN]);
    expect(functions[1]).toMatchObject({ vendor: 0x8086, device: 0x2030, classCode: 0x0604, acsKnown: true });
    expect(functions[1].acs).toEqual({ capability: 0x1f, control: 0x1d });
    expect(functions[3].buses).toEqual({ secondary: 3, subordinate: 3 });
    expect(functions[5]).toMatchObject({ driver: 'nvme', acs: null, acsKnown: true });
    expect(functions[5].bars.map(({ index, address, sizeBytes }) => [index, address, sizeBytes])).toEqual([
      [0, 0xb800_0000, 0x4000],
      [2, 0x3800_0000_0000, 0x4000_0000],
    ]);
    expect(functions[6].bars).toHaveLength(1);
    expect(functions[6].acsKnown).toBe(false);
  });

  it('judges a pair, and says why, what would change it and what it could not see', () => {
    const pair = pairOf(VERBOSE, '0000:03:00.0', '0000:04:00.0');
    expect(pair).toMatchObject({ type: 'THRU_HOST_BRIDGE', distance: 4 });
    expect(pair.path).toEqual(['0000:03:00.0', '0000:02:08.0', '0000:01:00.0', '0000:02:10.0', '0000:04:00.0']);
    expect(pair.why).toBe('ACS redirects at 0000:02:08.0, 0000:02:10.0');
    expect(pair.remedy).toContain('pci=disable_acs_redir=0000:02:08.0;0000:02:10.0');
    expect(pair.unknown).toEqual(['ACS of 0000:04:00.0: taken as not redirecting']);
    expect(pair.physApi).toContain('DMA_ATTR_MMIO');
  });

  it('T46 with redirect turned off at both ports gives the bus address', () => {
    const options = { acsRedirOff: '02:08.0;02:10.0' };
    const { report } = studyTopology(readTopology(VERBOSE), options);
    expect(report.messages.map(({ id, device }) => `${id} ${device}`)).toEqual(['L5 0000:02:08.0', 'L5 0000:02:10.0']);
    expect(pairOf(VERBOSE, '0000:03:00.0', '0000:04:00.0', options).type).toBe('BUS_ADDR');
  });

  it('T45 booted without an IOMMU nothing redirects; with one the kernel sets it again', () => {
    const type = (iommu: 'on' | 'off') => pairOf(VERBOSE, '0000:03:00.0', '0000:04:00.0', { iommu }).type;
    expect([type('off'), type('on')]).toEqual(['BUS_ADDR', 'THRU_HOST_BRIDGE']);
  });

  it('reads -v, where the ACS words are left out and thus unknown', () => {
    const brief = `00:1c.0 PCI bridge: Intel Corporation Root Port (rev f1)
\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0
\tCapabilities: [40] Express Root Port (Slot+), MSI 00
\tCapabilities: [140] Access Control Services
\tCapabilities: [200] L1 PM Substates

01:00.0 3D controller: NVIDIA Corporation Device 1db1
\tMemory at 98000000 (32-bit, non-prefetchable) [size=16M]
\tMemory at 6000000000 (64-bit, prefetchable) [size=32G]
`;
    const { functions } = readTopology(brief);
    expect(functions[0]).toMatchObject({ portType: 4, acsKnown: false, classCode: 0x0604 });
    expect(functions[1].bars.map(({ sizeBytes }) => sizeBytes)).toEqual([2 ** 24, 2 ** 35]);
  });

  it('finds VFs by offset and stride, and leaves their own regions out (T11)', () => {
    const text = `01:00.0 Ethernet controller: Intel Corporation Ethernet Controller X710
\tRegion 0: Memory at c0000000 (64-bit, prefetchable) [size=8M]
\tCapabilities: [a0] Express (v2) Endpoint, MSI 00
\tCapabilities: [160 v1] Single Root I/O Virtualization (SR-IOV)
\t\tInitial VFs: 64, Total VFs: 64, Number of VFs: 2, Function Dependency Link: 00
\t\tVF offset: 16, stride: 1, Device ID: 154c
\t\tRegion 0: Memory at 00000000c2000000 (64-bit, prefetchable)

01:02.0 Ethernet controller: Intel Corporation Ethernet Virtual Function
01:02.1 Ethernet controller: Intel Corporation Ethernet Virtual Function
`;
    const dump = readTopology(text);
    expect(dump.functions[0].bars).toHaveLength(1);
    const { nodes } = buildTopology(dump);
    expect(nodes.map(({ physicalFunction }) => physicalFunction?.name)).toEqual([
      undefined,
      '0000:01:00.0',
      '0000:01:00.0',
    ]);
  });

  it('hangs a bus whose bridge is missing on the innermost bridge around it, and says so', () => {
    const cut = VERBOSE.replace(/02:10\.0 PCI bridge[\s\S]*?\n\n/, '');
    const { nodes, remarks } = buildTopology(readTopology(cut));
    expect(nodes.find(({ name }) => name === '0000:04:00.0')?.parentBridge?.name).toBe('0000:01:00.0');
    expect(remarks).toEqual(['the bridge of bus 0000:04 is missing: hung on the innermost bridge around it']);
  });

  it('reads what a mail made of it: quoted, and words cut in two', () => {
    const mailed = VERBOSE.replaceAll('CmpltRedir+ ', 'CmpltRedir+\n').replaceAll(/^/gm, '> ');
    const words = (text: string) => readTopology(text).functions.map(({ acs }) => acs);
    expect(words(mailed)).toEqual(words(VERBOSE));
  });

  it('reads -P, where the bridges above come before the name', () => {
    const { functions } = readTopology('00:01.0 A\n00:01.0/01:00.0/02:00.0/03:00.0 VGA compatible controller: B\n');
    expect(functions.map(({ rid }) => rid)).toEqual([0x08, 0x300]);
  });

  it('remarks a function that reads all ones, and reads on', () => {
    const { functions, remarks } = readTopology(
      '03:00.0 VGA: NVIDIA (rev ff) (prog-if ff)\n\t!!! Unknown header type 7f\n',
    );
    expect(functions).toHaveLength(1);
    expect(remarks[0]).toContain('the function is gone');
  });
});

describe('lspci -xxxx', () => {
  it.each(Object.keys(TOPOLOGIES))(
    '%s: every pair of a dump is judged like the fabric that it was made from',
    (name) => {
      const fabric = rootedFabric(name === 'two host bridges' ? 'WU' : 'S');
      const functions = TOPOLOGIES[name](fabric);
      enumerateFabric(fabric);
      const ports = Object.values(functions).filter(({ isBridge }) => isBridge);
      for (const [i, port] of ports.entries()) if (i % 2 === 1) setAcs(0x1d, port);
      const { nodes } = buildTopology(readTopology(renderLspciHex(fabric)));
      for (const provider of Object.values(functions))
        for (const client of Object.values(functions)) {
          if (provider.physicalFunction !== null || client.physicalFunction !== null) continue; // needs SR-IOV's registers
          const find = (wanted: string) => nodes.find((node) => node.name === wanted) ?? nodes[0];
          const options = { verbose: null, log: null, isZen: false };
          expect(mapTypeAndDistance(find(provider.name), find(client.name), options)).toEqual(
            mapTypeAndDistance(provider, client, options),
          );
        }
    },
  );

  it('uses the bytes up to where they are torn, and takes what is missing as unknown', () => {
    const fabric = rootedFabric('U');
    const { A, RP } = TOPOLOGIES['root port and endpoint'](fabric);
    enumerateFabric(fabric);
    const whole = renderLspciHex(fabric);
    const torn = whole
      .split('\n')
      .filter((line) => !/^([4-9a-f]0|[1-9a-f][0-9a-f]0): /.test(line))
      .join('\n');
    const port = readTopology(torn).functions.find(({ rid }) => rid === RP.rid);
    expect(port).toMatchObject({ portType: UNKNOWN, acsKnown: false, vendor: 0x1b36 });
    const cut = whole.slice(0, whole.indexOf('\n100: ') + 20);
    const { functions, remarks } = readTopology(cut);
    expect(functions.at(-1)).toMatchObject({ acsKnown: false });
    expect(remarks[0]).toContain('torn');
    expect(A.name).toBe('0000:01:00.0');
  });
});

describe('lspci -t', () => {
  const TREE = `-+-[10000:e0]-+-06.0-[e1]----00.0  Intel Corporation NVMe Datacenter SSD [8086:0b60]
 |            \\-08.0-[e2]--
 \\-[0000:00]-+-00.0  Intel Corporation Device [8086:09a2]
             +-1c.0-[01-04]----00.0-[02-04]--+-08.0-[03]----00.0  Samsung Electronics NVMe
             |                               \\-10.0-[04]--+-00.0  NVIDIA Corporation GA100
             |                                            \\-00.1  NVIDIA Corporation GA100 audio
             \\-1f.0  Intel Corporation LPC
`;

  it('places every function, in several domains', () => {
    const { nodes, roots } = buildTopology(readTopology(TREE));
    expect(roots.map(({ name }) => name)).toEqual(['0000:00', '10000:e0']);
    const parents = nodes.map(({ name, parentBridge }) => `${name} < ${parentBridge?.name ?? 'root'}`);
    expect(parents).toEqual([
      '0000:00:00.0 < root',
      '0000:00:1c.0 < root',
      '0000:01:00.0 < 0000:00:1c.0',
      '0000:02:08.0 < 0000:01:00.0',
      '0000:03:00.0 < 0000:02:08.0',
      '0000:02:10.0 < 0000:01:00.0',
      '0000:04:00.0 < 0000:02:10.0',
      '0000:04:00.1 < 0000:02:10.0',
      '0000:00:1f.0 < root',
      '10000:e0:06.0 < root',
      '10000:e1:00.0 < 10000:e0:06.0',
      '10000:e0:08.0 < root',
    ]);
    expect(nodes.find(({ name }) => name === '10000:e1:00.0')).toMatchObject({ vendor: 0x8086, device: 0x0b60 });
  });

  it('names what a tree cannot show', () => {
    const pair = pairOf(TREE, '0000:03:00.0', '0000:04:00.0');
    expect(pair).toMatchObject({ type: 'BUS_ADDR', distance: 4 });
    expect(pair.unknown).toHaveLength(5);
    expect(pairOf(TREE, '0000:03:00.0', '10000:e1:00.0').type).toBe('NOT_SUPPORTED');
  });

  it('reads a single root, one that was cut off above, and passes over what hangs on nothing', () => {
    expect(readTopology('-[0000:00]---00.0  Host bridge\n').functions).toHaveLength(1);
    const cut =
      ' \\-[0000:00]-+-00.0  Intel DMI2\n             +-02.0-[04]--+-00.0  Emulex NIC\n(be3)\n             ...\n';
    const { functions, remarks } = readTopology(cut);
    expect(functions.map(({ rid }) => rid)).toEqual([0, 0x10, 0x400]);
    expect(remarks.slice(1)).toEqual([3, 4].map((line) => `line ${line} hangs on nothing and was passed over`));
    expect(() => readTopology('-[0000:00]-\n')).toThrow(TopologyInputError);
  });
});

describe('a description', () => {
  it('says what it can, and names the field that is wrong', () => {
    const functions = [
      { name: '00:01.0', type: 'root port', acs: '0x1d', buses: [1, 1], ids: '8086:2030' },
      { name: '01:00.0', type: 'endpoint', bars: [{ index: 0, address: '0xfe000000', size: 4096 }] },
      { name: '01:00.1', type: 'endpoint' },
    ];
    const text = JSON.stringify({ functions });
    expect(pairOf(text, '0000:01:00.0', '0000:01:00.1')).toMatchObject({ type: 'THRU_HOST_BRIDGE', distance: 2 });
    expect(() => readTopology('{"functions":[{"name":"01:00.0","type":"toaster"}]}')).toThrow(
      /functions\[0\] 01:00.0: "type"/,
    );
    expect(() => readTopology('{"functions"')).toThrow(TopologyInputError);
  });
});

describe('damaged input', () => {
  const verbose = fc.nat(VERBOSE.length);
  const survives = (text: string) => {
    try {
      const { topology, report } = studyTopology(readTopology(text));
      expect(renderTopology(topology, report).length).toBeGreaterThan(0);
    } catch (error) {
      expect(error).toBeInstanceOf(TopologyInputError);
    }
  };

  test.prop([verbose, verbose], { numRuns: 60 })(
    'cut anywhere, it is read as far as it goes or refused in words',
    (from, to) => {
      survives(VERBOSE.slice(0, from) + VERBOSE.slice(to));
    },
  );

  it('a bridge whose port type was lost in the cut keeps its ACS word', () => {
    const { functions } = readTopology(VERBOSE.slice(0, 555) + VERBOSE.slice(1947));
    expect(functions.find(({ buses, portType }) => buses !== null && portType === 0)?.acs).toBeTruthy();
    survives(VERBOSE.slice(0, 555) + VERBOSE.slice(1947));
  });

  it('a description whose name is no address is refused by the item’s number', () => {
    expect(() => readTopology('{"functions":[{"name":""}]}')).toThrow('functions[0] : "name" must be a PCI address');
  });

  test.prop([fc.json()], { numRuns: 60 })('any JSON is a description or refused in words', (json) => {
    survives(`{"functions":[${json}]}`);
  });
});

describe('the report', () => {
  it('draws the tree, the matrix and one entry for each kind of pair', () => {
    const { topology, report } = studyTopology(readTopology(VERBOSE));
    const text = renderTopology(topology, report);
    expect(text).toContain('[0000:00]\n +-0000:00:00.0');
    expect(text).toContain('   +-0000:02:08.0 [03-03] downstream port, ACS 0x1d');
    expect(text).toMatch(/1 0000:03:00\.0 +B +H\?\n +2 0000:04:00\.0 +H\? +B/);
    expect(text).toContain('0000:03:00.0 -> 0000:04:00.0 and 1 more like it: THRU_HOST_BRIDGE, distance 4');
  });

  it('leaves out bridges of every kind, and what a tree shows at 00.0 of a root bus', () => {
    const peersOf = (text: string) => studyTopology(readTopology(text)).report.peers;
    expect(peersOf('00:00.0 Host bridge: A\n00:1f.0 ISA bridge: B\n00:1f.3 Audio device: C\n')).toEqual([
      '0000:00:1f.3',
    ]);
    expect(peersOf('-[0000:00]-+-00.0  A\n           \\-1c.0-[01]----00.0  B\n')).toEqual(['0000:01:00.0']);
  });

  it('T39.5 takes an AMD host bridge of family 17h or later for a CPU that forwards', () => {
    const text =
      '00:00.0 Host bridge [0600]: AMD Root Complex [1022:1480]\n00:01.0 A [0108]: B [144d:a808]\n00:02.0 A [0108]: B [144d:a808]\n';
    expect(pairOf(text, '0000:00:01.0', '0000:00:02.0').type).toBe('THRU_HOST_BRIDGE');
    expect(pairOf(text, '0000:00:01.0', '0000:00:02.0', { isZen: false }).type).toBe('NOT_SUPPORTED');
  });

  it.each(['', '   \n', 'hello', '\u0000\u0001'])('refuses %j', (text) => {
    expect(() => readTopology(text)).toThrow(TopologyInputError);
  });
});
