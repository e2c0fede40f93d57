import type { Device } from '../device/device.ts';
import { hex, hex16 } from '../types/hex.ts';

/** One report per machine that a device can't reach a buffer (spec D38, S23). */
export function reportOverflow(dev: Device, address: number, size: number): void {
  const limits = `mask ${hex(dev.dmaMask)}, bus limit ${hex(dev.busDmaLimit)}`;
  dev.context.log.warnOnce(
    'dma-direct overflow',
    dev.name,
    `DMA addr 0x${hex16(address)}+${size} overflow (${limits}).`,
  );
}
