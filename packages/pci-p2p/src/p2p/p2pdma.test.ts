import {
  PCI_P2PDMA_MAP_BUS_ADDR,
  PCI_P2PDMA_MAP_NOT_SUPPORTED,
  PCI_P2PDMA_MAP_THRU_HOST_BRIDGE,
} from '@dmalab/dma-api';
import { describe, expect, it } from 'vitest';
import { enumerateFabric } from '../host/enumerate.ts';
import { PCI_ACS_RR } from '../spec/capability-ids.ts';
import { setAcs } from '../testing/acs.ts';
import { q35Fabric } from '../testing/machine.ts';
import { addEndpoint, addRootPort, addSwitch, below } from '../testing/topology.ts';
import { EINVAL, ENODEV, ENOMEM, EOPNOTSUPP } from './errno.ts';
import type { KernelMessage } from './kernel-messages.ts';
import { type P2pClient, pciClient } from './p2p-function.ts';
import { P2pdma } from './p2pdma.ts';
import * as pool from './p2pmem.ts';
import { pciP2pdmaBusAddrMap } from './provider.ts';

const OFFSET = 0x100_0000_0000;

/** A switch with a provider (1 MiB in BAR 4), a client and a second provider, and a client behind a port of its own. */
function machine(options: { readonly isZen?: boolean; readonly offset?: number } = {}) {
  const { offset = 0 } = options;
  const windows = [{ kind: 'memory' as const, cpuStart: 0xc000_0000 + offset, lengthBytes: 0x2000_0000, offset }];
  const fabric = q35Fabric({ hostBridges: [{ windows }] });
  const { downstream } = addSwitch(addRootPort(fabric.rootBus, 1), 3);
  const [provider, client, second] = downstream.map((port) => addEndpoint(below(port)));
  const far = addEndpoint(below(addRootPort(fabric.rootBus, 2)));
  enumerateFabric(fabric);
  const log: KernelMessage[] = [];
  const p2p = new P2pdma({ ...options, log: (message) => log.push(message) });
  return { fabric, p2p, provider, client, second, far, downstream, log, ids: () => log.map(({ id }) => id).join(' ') };
}

describe('providers', () => {
  it('T32 T33 gives a record for each memory BAR once initialised, and warns once before', () => {
    const { p2p, provider, ids } = machine();
    expect(p2p.pcimP2pdmaProvider(provider, 4)).toBeNull();
    expect(p2p.pcimP2pdmaProvider(provider, 0)).toBeNull();
    expect(ids()).toBe('T33');
    expect(p2p.pcimP2pdmaInit(provider)).toBe(0);
    const record = p2p.pcimP2pdmaProvider(provider, 4);
    expect(record?.owner).toBe(provider);
    expect(p2p.pcimP2pdmaInit(provider)).toBe(0);
    expect(p2p.pcimP2pdmaProvider(provider, 4)).toBe(record);
    expect(p2p.pcimP2pdmaProvider(provider, 2)).toBeNull();
  });

  it('T32 refuses a function whose BARs must not be mapped', () => {
    const { p2p, provider } = machine();
    provider.nonMappableBars = true;
    expect(p2p.pcimP2pdmaInit(provider)).toBe(EOPNOTSUPP);
    expect(p2p.pcimP2pdmaProvider(provider, 4)).toBeNull();
  });

  it('T34 turns a CPU address into a bus address where the host bridge has an offset', () => {
    const { p2p, provider } = machine({ offset: OFFSET });
    p2p.pcimP2pdmaInit(provider);
    const record = p2p.pcimP2pdmaProvider(provider, 4);
    expect(record?.busOffset).toBe(-OFFSET);
    expect(record && pciP2pdmaBusAddrMap(record, provider.barCpuAddress(4) + 8)).toBe(provider.barBusAddress(4) + 8);
  });
});

describe('map types', () => {
  it('T35 T42 calculates once, keeps the answer whatever ACS becomes, and forgets it with the state', () => {
    const { p2p, provider, client, downstream, ids } = machine();
    p2p.pcimP2pdmaInit(provider);
    const type = () => {
      const record = p2p.pcimP2pdmaProvider(provider, 4);
      return record && p2p.pciP2pdmaMapType(record, pciClient(client));
    };
    expect(type()).toBe(PCI_P2PDMA_MAP_BUS_ADDR);
    setAcs(PCI_ACS_RR, downstream[0]);
    expect(type()).toBe(PCI_P2PDMA_MAP_BUS_ADDR);
    expect(p2p.release(provider)).toBe(true);
    p2p.pcimP2pdmaInit(provider);
    expect([type(), type()]).toEqual([PCI_P2PDMA_MAP_NOT_SUPPORTED, PCI_P2PDMA_MAP_NOT_SUPPORTED]);
    expect(ids()).toBe('L1 L2 L3 L4'); // once, although it was asked twice
  });

  it('T39 a silent distance query pre-empts the warnings of a later mapping, but not L3 (T92)', () => {
    const { p2p, provider, client, downstream, ids } = machine();
    setAcs(PCI_ACS_RR, downstream[0]);
    p2p.pcimP2pdmaInit(provider);
    expect(p2p.pciP2pdmaDistance(provider, pciClient(client), false)).toBe(-1);
    expect(ids()).toBe('L3');
    const record = p2p.pcimP2pdmaProvider(provider, 4);
    expect(record && p2p.pciP2pdmaMapType(record, pciClient(client))).toBe(PCI_P2PDMA_MAP_NOT_SUPPORTED);
    expect(ids()).toBe('L3');
  });

  it('T35 T50 T93 map type refuses a client that is not PCI itself, distance looks for its parent', () => {
    const { p2p, provider, client, ids } = machine();
    p2p.pcimP2pdmaInit(provider);
    const record = p2p.pcimP2pdmaProvider(provider, 4);
    const child: P2pClient = { name: 'block queue', pci: null, parent: pciClient(client) };
    const orphan: P2pClient = { name: 'platform', pci: null, parent: null };
    expect(record && p2p.pciP2pdmaMapType(record, child)).toBe(PCI_P2PDMA_MAP_NOT_SUPPORTED);
    expect(p2p.pciP2pdmaDistance(provider, child, true)).toBe(4);
    expect(p2p.pciP2pdmaDistance(provider, orphan, false)).toBe(-1);
    expect(p2p.pciP2pdmaDistance(provider, orphan, true)).toBe(-1);
    expect(ids()).toBe('L6');
  });

  it('T50 sums distances, answers -1 for nobody or for one that cannot, and goes on only to log', () => {
    const { p2p, provider, client, second, far, ids } = machine();
    p2p.pcimP2pdmaInit(provider);
    const [near, other, away] = [client, second, far].map(pciClient);
    expect(p2p.pciP2pdmaDistanceMany(provider, [], true)).toBe(-1);
    expect(p2p.pciP2pdmaDistanceMany(provider, [near, other], true)).toBe(8);
    expect(p2p.pciP2pdmaDistanceMany(provider, [away, away, near], false)).toBe(-1);
    expect(ids()).toBe('');
    expect(p2p.pciP2pdmaDistanceMany(provider, [away, away, near], true)).toBe(-1);
    expect(ids()).toBe('L4 L4');
  });

  it('T39 a Zen CPU lets every host bridge forward', () => {
    const { p2p, provider, far } = machine({ isZen: true });
    p2p.pcimP2pdmaInit(provider);
    const record = p2p.pcimP2pdmaProvider(provider, 4);
    expect(record && p2p.pciP2pdmaMapType(record, pciClient(far))).toBe(PCI_P2PDMA_MAP_THRU_HOST_BRIDGE);
  });
});

describe('p2pmem', () => {
  it('T53 refuses what is not in the BAR, takes the rest for size 0, and says what it added', () => {
    const { p2p, provider, log } = machine();
    expect(p2p.pciP2pdmaAddResource(provider, 2, 0, 0)).toBe(EINVAL);
    expect(p2p.pciP2pdmaAddResource(provider, 4, 0, 0x10_0000)).toBe(EINVAL);
    expect(p2p.pciP2pdmaAddResource(provider, 4, 0x10_0000, 0x1000)).toBe(EINVAL);
    expect(p2p.pciP2pdmaAddResource(provider, 4, 0, 0x1000)).toBe(0);
    const start = provider.barCpuAddress(4) + 0x1000;
    expect(log).toEqual([
      {
        id: 'L7',
        level: 'info',
        device: provider.name,
        text: `added peer-to-peer DMA memory 0x${start.toString(16)}-0x${(start + 0xf_efff).toString(16)}`,
      },
    ]);
    expect(p2p.providerOf(start - 1)).toBeNull();
    expect(p2p.providerOf(start)).toBe(p2p.pcimP2pdmaProvider(provider, 4));
  });

  it('T54 T57 hands out whole pages first fit, and counts them in sysfs', () => {
    const { p2p, provider } = machine({ offset: OFFSET });
    expect(pool.pciAllocP2pmem(p2p, provider, 1)).toBe(-1);
    p2p.pciP2pdmaAddResource(provider, 4, 0, 0);
    const start = provider.barCpuAddress(4);
    expect([1, 4097, 4096].map((size) => pool.pciAllocP2pmem(p2p, provider, size) - start)).toEqual([0, 4096, 12288]);
    expect(pool.p2pmemSysfs(p2p, provider)).toEqual({ size: '1048576\n', available: '1032192\n', published: '0\n' });
    pool.pciFreeP2pmem(p2p, provider, start + 4096, 4097);
    expect(pool.pciAllocP2pmem(p2p, provider, 8193)).toBe(start + 16384);
    expect(pool.pciAllocP2pmem(p2p, provider, 8192)).toBe(start + 4096);
    expect(pool.pciP2pmemVirtToBus(p2p, provider, start + 4096)).toBe(provider.barBusAddress(4) + 4096);
    expect(pool.pciP2pmemVirtToBus(p2p, provider, -1)).toBe(0);
    expect(() => pool.pciFreeP2pmem(p2p, provider, start, 8192)).toThrow(/1 pages was allocated/);
    expect(pool.pciAllocP2pmem(p2p, provider, 0x10_0000)).toBe(-1);
  });

  it('T55 gives a list of one entry, and takes it back', () => {
    const { p2p, provider } = machine();
    p2p.pciP2pdmaAddResource(provider, 4, 0, 0);
    const list = pool.pciP2pmemAllocSgl(p2p, provider, 0x2000);
    expect(list?.entries).toHaveLength(1);
    expect(list?.entries[0]).toMatchObject({ page: provider.barCpuAddress(4) / 4096, offset: 0, length: 0x2000 });
    if (list !== null) pool.pciP2pmemFreeSgl(p2p, provider, list);
    expect(pool.p2pmemSysfs(p2p, provider)?.available).toBe('1048576\n');
    expect(pool.pciP2pmemAllocSgl(p2p, provider, 0x10_0001)).toBeNull();
  });

  it('T51 T56 finds the nearest published provider, any of them at a tie', () => {
    const { fabric, p2p, provider, client, second, far } = machine({ isZen: true });
    for (const fn of [provider, second, far]) p2p.pciP2pdmaAddResource(fn, 4, 0, 0);
    const find = (pick: (below: number) => number) =>
      pool.pciP2pmemFindMany(p2p, fabric.functions(), [pciClient(client)], pick);
    expect(find(() => 0)).toBeNull();
    pool.pciP2pmemPublish(p2p, far, true);
    expect(find(() => 0)).toBe(far);
    for (const fn of [provider, second]) pool.pciP2pmemPublish(p2p, fn, true);
    const seen: number[] = [];
    expect(find((below) => seen.push(below) - 1)).toBe(provider);
    expect(find((below) => below - 1)).toBe(second);
    expect(seen).toEqual([2]);
  });

  it.each([
    ['y', true],
    ['on', true],
    ['1', true],
    ['0\n', false],
    ['off', false],
    ['F', false],
  ])('T52 stores %j as %j', (text, enabled) => {
    const { fabric, p2p } = machine();
    expect(pool.pciP2pdmaEnableStore(p2p, fabric.functions(), text)).toEqual({ enabled, provider: null });
  });

  it('T52 takes a function by name if it has published memory, and never reads a name as a boolean', () => {
    const { fabric, p2p, provider, log } = machine();
    const store = (text: string) => pool.pciP2pdmaEnableStore(p2p, fabric.functions(), text);
    expect(store(`${provider.name}\n`)).toBe(ENODEV);
    p2p.pciP2pdmaAddResource(provider, 4, 0, 0);
    pool.pciP2pmemPublish(p2p, provider, true);
    const stored = store(`${provider.name}\n`);
    expect(stored).toEqual({ enabled: true, provider });
    expect(typeof stored === 'object' && pool.pciP2pdmaEnableShow(stored)).toBe(`${provider.name}\n`);
    expect(store('0000:77:00.0\n')).toBe(ENODEV);
    expect(store('maybe\n')).toBe(ENODEV);
    expect(log.map(({ text }) => text).filter((text) => !text.startsWith('added'))).toEqual([
      `PCI device has no peer-to-peer memory: ${provider.name}`,
      'pci-p2pdma: No such PCI device: 0000:77:00.0',
      'pci-p2pdma: No such PCI device: maybe',
    ]);
  });

  it('T57 maps shared from 0 only', () => {
    const { p2p, provider, log } = machine();
    const mapping = { command: 'fio', isShared: true, offsetBytes: 0, lengthBytes: 0x3000 };
    const map = (change: object) => pool.p2pmemMmap(p2p, provider, { ...mapping, ...change });
    expect(map({})).toBe(ENODEV);
    p2p.pciP2pdmaAddResource(provider, 4, 0, 0);
    expect(map({ isShared: false })).toBe(EINVAL);
    expect(map({ offsetBytes: 4096 })).toBe(EINVAL);
    expect(map({ lengthBytes: 0x20_0000 })).toBe(ENOMEM);
    expect(map({})).toBe(provider.barCpuAddress(4));
    expect(log.slice(1).map(({ text }) => text)).toEqual([
      'fio: fail, attempted private mapping',
      'fio: fail, attempted mapping with non-zero offset',
    ]);
  });

  it('T58 unbinding hands out nothing more and waits for every user', () => {
    const { p2p, provider } = machine();
    p2p.pciP2pdmaAddResource(provider, 4, 0, 0);
    const at = pool.pciAllocP2pmem(p2p, provider, 4096);
    expect(p2p.release(provider)).toBe(false);
    expect(pool.pciAllocP2pmem(p2p, provider, 4096)).toBe(-1);
    pool.pciFreeP2pmem(p2p, provider, at, 4096);
    expect(p2p.release(provider)).toBe(true);
    expect(p2p.pcimP2pdmaProvider(provider, 4)).toBeNull();
    expect(p2p.providerOf(at)).toBeNull();
  });
});
