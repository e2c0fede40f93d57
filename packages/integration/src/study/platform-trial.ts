import { Device, DMA_ATTR_MMIO, DMA_TO_DEVICE, type DmaEra, dmaFront } from '@dmalab/dma-api';
import { PAGE_SIZE, type PhysAddr } from '@dmalab/phys-memory';
import { buildMachine } from '../machine/build-machine.ts';
import { MACHINE_DEFAULTS } from '../machine/machine-description.ts';

/** What a platform's own table of DMA operations had to do for the same buffers. */
export interface PlatformTrial {
  readonly era: DmaEra;
  /** Callbacks that the table needs to map RAM and MMIO. */
  readonly mapCallbacks: readonly string[];
  /** Buffers mapped: as many of RAM as of MMIO. */
  readonly maps: number;
  /** Between page descriptor and physical address, on the way to the callback and in it. */
  readonly conversions: number;
}

const BUFFERS = 1000;

/** Maps RAM and MMIO through a platform's table, as each interface has it (spec D12, G4). */
export function tryPlatformOps(era: DmaEra): PlatformTrial {
  const { dma, pages, nvme } = buildMachine({ ...MACHINE_DEFAULTS, name: 'platform', era });
  const used = new Set<string>();
  const mapPhys = (_dev: Device, phys: number): number => {
    used.add('map_phys');
    return phys;
  };
  const device = new Device(dma, 'platform', { bus: 'platform', dmaMask: 2 ** 52 - 1, dmaOps: { mapPhys } });
  device.pageOps = {
    mapPage(dev, page, offset) {
      used.add('map_page');
      return dev.context.conversions.pageToPhys(page) + offset; // a table can only be filled with addresses
    },
    mapResource(_dev, phys) {
      used.add('map_resource');
      return phys;
    },
  };
  const front = dmaFront(dma);
  const ram = (pages.allocPages(0, 0) * PAGE_SIZE) as PhysAddr;
  const registers = nvme.pciFunction.barCpuAddress(0) as PhysAddr;
  dma.conversions.reset();
  for (let i = 0; i < BUFFERS; i++) {
    front.mapVector(device, ram, PAGE_SIZE, DMA_TO_DEVICE);
    front.mapVector(device, registers, PAGE_SIZE, DMA_TO_DEVICE, DMA_ATTR_MMIO);
  }
  const { physToPageCount, pageToPhysCount } = dma.conversions;
  return { era, mapCallbacks: [...used], maps: 2 * BUFFERS, conversions: physToPageCount + pageToPhysCount };
}
