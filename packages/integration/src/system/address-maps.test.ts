import { Bio, BLK_STS_OK, REQ_OP_READ } from '@dmalab/blk-nvme';
import { DMA_ATTR_CC_SHARED, DMA_FROM_DEVICE, dmaMapPhys } from '@dmalab/dma-api';
import { PAGE_SIZE, type PhysAddr } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { bringUp } from '../machine/bring-up.ts';
import { buildMachine } from '../machine/build-machine.ts';
import { MACHINES } from '../machine/presets.ts';

const GIB = 2 ** 30;
const PATTERN = Uint8Array.from({ length: PAGE_SIZE }, (_, i) => 1 + (i % 255));

describe('P60 P66 what a realm’s devices reach', () => {
  const machine = bringUp(buildMachine(MACHINES['cca-realm']));
  const { port } = machine.nvme.pciFunction;
  const pool = machine.swiotlb!.defaultBase();
  const seen = (at: number): Uint8Array => {
    const bytes = new Uint8Array(PAGE_SIZE);
    expect(port.read(at, bytes)).toBe(0);
    return bytes;
  };

  it('shared pages by the address with the top bit, and ciphertext without it', () => {
    machine.memory.write(pool, PATTERN);
    expect(seen(pool + 2 ** 47)).toEqual(PATTERN);
    expect(seen(pool)).not.toEqual(PATTERN);
  });

  it('private pages by no address', () => {
    const phys = machine.pages.allocPages(0, 0) * PAGE_SIZE;
    machine.memory.write(phys, PATTERN);
    expect(seen(phys)).not.toEqual(PATTERN);
    expect(seen(phys + 2 ** 47)).not.toEqual(PATTERN);
  });

  it('D49 a mapping bounces into the pool and carries the bit; what is shared already keeps its place', () => {
    const { device } = machine.nvme;
    const phys = (machine.pages.allocPages(0, 0) * PAGE_SIZE) as PhysAddr;
    const bounced = dmaMapPhys(device, phys, PAGE_SIZE, DMA_FROM_DEVICE) - 2 ** 47;
    expect(bounced).toBeGreaterThanOrEqual(pool);
    expect(dmaMapPhys(device, phys, PAGE_SIZE, DMA_FROM_DEVICE, DMA_ATTR_CC_SHARED)).toBe(phys + 2 ** 47);
  });
});

describe('P60 a TDX guest', () => {
  it('shares its pool under the same addresses: the attribute lives in page tables', () => {
    const machine = bringUp(buildMachine(MACHINES['tdx-guest']));
    const phys = (machine.pages.allocPages(0, 0) * PAGE_SIZE) as PhysAddr;
    const mapped = dmaMapPhys(machine.nvme.device, phys, PAGE_SIZE, DMA_FROM_DEVICE);
    expect(machine.swiotlb!.findPool(mapped)).not.toBeNull();
  });
});

describe('P27 a SoC whose RAM begins at 2 GiB', () => {
  it('has its BARs below its RAM, and one DMA zone up to 4 GiB', () => {
    const machine = buildMachine(MACHINES['soc-high-ram']);
    expect(machine.nvme.pciFunction.barCpuAddress(0)).toBe(0x1000_0000);
    expect(machine.pages.allocPages(0, 0) * PAGE_SIZE).toBeGreaterThanOrEqual(2 * GIB);
    expect(machine.pages.zoneFigures().map(({ name }) => name)).toEqual(['DMA']);
  });

  it('refuses a start that no SoC has', () => {
    expect(() => buildMachine({ ...MACHINES['x86-direct'], ramStart: GIB })).toThrow('give 0, or on arm64');
    expect(() => buildMachine({ ...MACHINES['soc-high-ram'], ramStart: 4096 })).toThrow('RAM from 0x1000');
  });
});

describe('a BAR of 16 GiB', () => {
  it('lies above 4 GiB, takes a block at its far end by bus address', () => {
    const preset = MACHINES['gpu-large-bar'];
    const devices = preset.devices.map((device) => (device.kind === 'nvme' ? device : { ...device, hasPages: true }));
    const machine = bringUp(buildMachine({ ...preset, devices }));
    const [{ memory, phys }] = machine.peers;
    expect(phys).toBe(2 ** 39);
    machine.disk.media.write(0, PATTERN, 0, PAGE_SIZE);
    const bio = new Bio().init(REQ_OP_READ, 0);
    bio.addPhys(phys + 16 * GIB - PAGE_SIZE, PAGE_SIZE);
    machine.disk.queue.submitBio(bio);
    machine.advance(1000);
    expect(bio.status).toBe(BLK_STS_OK);
    const arrived = new Uint8Array(PAGE_SIZE);
    memory.read(16 * GIB - PAGE_SIZE, arrived);
    expect(arrived).toEqual(PATTERN);
  });
});
