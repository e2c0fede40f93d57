import { DMA_MAPPING_ERROR } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import type { Device } from '../device/device.ts';
import { dmaSetMask } from '../device/dma-mask.ts';
import {
  P2pMapState,
  PCI_P2PDMA_MAP_BUS_ADDR,
  PCI_P2PDMA_MAP_NOT_SUPPORTED,
  PCI_P2PDMA_MAP_THRU_HOST_BRIDGE,
} from '../p2p.ts';
import { FakeP2p } from '../testing/fake-p2p.ts';
import { TestMachine } from '../testing/test-machine.ts';
import { EOPNOTSUPP } from '../types/errno.ts';
import { dmaBitMask } from '../types/masks.ts';
import { HmmDmaMap, hmmDmaMapAlloc, hmmDmaMapFree, hmmDmaMapPfn, hmmDmaUnmapPfn } from './hmm-dma-map.ts';
import { HMM_PFN_DMA_MAPPED, HMM_PFN_P2PDMA, HMM_PFN_VALID, HMM_PFN_WRITE } from './hmm-pfn.ts';

const BAR_PFN = 0xf8000;

function ready(dev: Device): HmmDmaMap {
  dmaSetMask(dev, dmaBitMask(64));
  const map = hmmDmaMapAlloc(dev, 16, 4096);
  if (!(map instanceof HmmDmaMap)) throw new Error(`errno ${map}`);
  return map;
}

/** A BAR that every client reaches in that way. */
function peer(machine: TestMachine, type: number): FakeP2p {
  const p2p = new FakeP2p(BAR_PFN * 4096, 0x100000, 0x1000, type);
  machine.context.p2p = p2p;
  return p2p;
}

describe('HMM', () => {
  it('D100 refuses devices that need syncs or do not reach all memory, and warns of less than one entry', () => {
    const machine = new TestMachine();
    const dev = machine.device({ dmaMask: dmaBitMask(64) });
    expect(hmmDmaMapAlloc(dev, 16, 4096)).toBe(EOPNOTSUPP); // never called dma_set_mask (T1)
    dmaSetMask(dev, dmaBitMask(24));
    expect(hmmDmaMapAlloc(dev, 16, 4096)).toBe(EOPNOTSUPP);
    dmaSetMask(dev, dmaBitMask(64));
    expect(hmmDmaMapAlloc(dev, 1, 8192)).toBeInstanceOf(HmmDmaMap);
    expect(machine.logged('hmm_dma_map_alloc').length).toBe(1);
  });

  it('D101 D102 direct keeps nothing: a second map gives the same address and a second event, unmap does nothing', () => {
    const machine = new TestMachine();
    const dev = machine.device({ dmaMask: dmaBitMask(64) });
    const map = ready(dev);
    expect(map.dmaList).toBe(null);
    map.pfnList.fault(3, 0x100, HMM_PFN_VALID | HMM_PFN_WRITE);
    const p2p = new P2pMapState();
    expect(hmmDmaMapPfn(dev, map, 3, p2p)).toBe(0x100000);
    expect(hmmDmaMapPfn(dev, map, 3, p2p)).toBe(0x100000);
    expect(hmmDmaUnmapPfn(dev, map, 3)).toBe(true);
    expect(hmmDmaUnmapPfn(dev, map, 3)).toBe(false);
    expect(machine.events()).toEqual(
      Array<string>(2).fill(
        'dma_map_phys: 0000:00:03.0 dir=BIDIRECTIONAL dma_addr=100000 size=4096 phys_addr=100000 attrs=REQUIRE_COHERENT',
      ),
    );
  });

  it('D101 D102 D78 two-step links each entry at its place in one range', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated({ dmaMask: dmaBitMask(64) });
    const map = ready(dev);
    map.pfnList.fault(2, 0x100, HMM_PFN_VALID);
    const address = hmmDmaMapPfn(dev, map, 2, new P2pMapState());
    expect(address).toBe(map.state.addr + 8192);
    expect(paging.iovaToPhys(address)).toBe(0x100000);
    expect(hmmDmaMapPfn(dev, map, 2, new P2pMapState())).toBe(address);
    expect(paging.calls).toEqual(['map 4096']);
    expect(hmmDmaUnmapPfn(dev, map, 2)).toBe(true);
    expect(paging.entries.size).toBe(0);
    hmmDmaMapFree(dev, map);
    paging.failSyncsWith = -5;
    const again = ready(dev);
    again.pfnList.fault(0, 0x100, HMM_PFN_VALID);
    expect(hmmDmaMapPfn(dev, again, 0, new P2pMapState())).toBe(DMA_MAPPING_ERROR);
    expect(paging.entries.size).toBe(0);
  });

  it('D99 keeps its marks when a fault writes the word anew', () => {
    const dev = new TestMachine().device({ dmaMask: dmaBitMask(64) });
    const map = ready(dev);
    map.pfnList.fault(0, 0x100, HMM_PFN_VALID);
    hmmDmaMapPfn(dev, map, 0, new P2pMapState());
    map.pfnList.fault(0, 0x200, HMM_PFN_VALID | HMM_PFN_WRITE, 9);
    expect(map.pfnList.has(0, HMM_PFN_DMA_MAPPED | HMM_PFN_WRITE)).toBe(true);
  });

  it('D101 D102 peers: a bus address maps nothing, the host bridge adds MMIO on both ways, others fail', () => {
    const machine = new TestMachine();
    const dev = machine.device({ dmaMask: dmaBitMask(64) });
    const map = ready(dev);
    const p2p = peer(machine, PCI_P2PDMA_MAP_BUS_ADDR);
    map.pfnList.fault(0, BAR_PFN, HMM_PFN_VALID);
    expect(hmmDmaMapPfn(dev, map, 0, new P2pMapState())).toBe(BAR_PFN * 4096 + 0x1000);
    expect(machine.events()).toEqual([]);
    expect(hmmDmaUnmapPfn(dev, map, 0)).toBe(true);
    p2p.type = PCI_P2PDMA_MAP_THRU_HOST_BRIDGE;
    hmmDmaMapPfn(dev, map, 0, new P2pMapState());
    expect(map.pfnList.has(0, HMM_PFN_P2PDMA)).toBe(true);
    expect(machine.events()[0]).toMatch(/attrs=MMIO\|REQUIRE_COHERENT$/);
    p2p.type = PCI_P2PDMA_MAP_NOT_SUPPORTED;
    hmmDmaUnmapPfn(dev, map, 0);
    expect(hmmDmaMapPfn(dev, map, 0, new P2pMapState())).toBe(DMA_MAPPING_ERROR);
  });

  it('D101 takes the peer mark off again when the mapping fails', () => {
    const machine = new TestMachine();
    const dev = machine.device({ dmaMask: dmaBitMask(30) });
    dmaSetMask(dev, dmaBitMask(30)); // reaches all RAM, not the BAR
    const map = hmmDmaMapAlloc(dev, 16, 4096) as HmmDmaMap;
    peer(machine, PCI_P2PDMA_MAP_THRU_HOST_BRIDGE);
    map.pfnList.fault(0, BAR_PFN, HMM_PFN_VALID);
    expect(hmmDmaMapPfn(dev, map, 0, new P2pMapState())).toBe(DMA_MAPPING_ERROR);
    expect([map.pfnList.has(0, HMM_PFN_P2PDMA), map.pfnList.has(0, HMM_PFN_DMA_MAPPED)]).toEqual([false, false]);
  });

  it('D101 warns when unmaps became needed after the object was made', () => {
    const machine = new TestMachine();
    const dev = machine.device({ dmaMask: dmaBitMask(64) });
    const map = ready(dev);
    dev.dmaSkipSync = false; // as after a bounce (D53)
    map.pfnList.fault(0, 0x100, HMM_PFN_VALID);
    expect(hmmDmaMapPfn(dev, map, 0, new P2pMapState())).toBe(DMA_MAPPING_ERROR);
    expect(machine.logged('hmm_dma_map_pfn').length).toBe(1);
  });
});
