import type { DmaContext, DmaFront } from '@dmalab/dma-api';
import { WORK_CONVERSION, WORK_MAP, WORK_UNMAP } from './work-kinds.ts';
import type { WorkMeter } from './work-meter.ts';

/** Counts the mapping calls of either era, and the conversions that they make. */
export function meteredFront(front: DmaFront, meter: WorkMeter, context: () => DmaContext): DmaFront {
  const conversions = (): number => {
    const { physToPageCount, pageToPhysCount } = context().conversions;
    return physToPageCount + pageToPhysCount;
  };
  return {
    mapVector(dev, phys, size, dir, attrs) {
      const before = conversions();
      meter.add(WORK_MAP, 1);
      const address = front.mapVector(dev, phys, size, dir, attrs);
      meter.add(WORK_CONVERSION, conversions() - before);
      return address;
    },
    unmapVector(dev, address, size, dir, attrs) {
      meter.add(WORK_UNMAP, 1);
      front.unmapVector(dev, address, size, dir, attrs);
    },
  };
}
