import { DMA_NONE } from '../constants.ts';
import type { SwiotlbDevice } from '../device.ts';
import { hex, SwiotlbError } from '../errors.ts';

const MAX_MASK = 0x7fffffff; // masks are 31 bits, so that `&` with an address of any width is exact and not negative

/** @throws {SwiotlbError} ERR_SWIOTLB_REQUEST for what no kernel would ask */
export function checkRequest(
  device: SwiotlbDevice,
  orig: number,
  length: number,
  allocAlignMask: number,
  dir: number,
): void {
  if (!(length > 0 && orig >= 0 && dir >= 0 && dir < DMA_NONE)) refuseBuffer(device, orig, length, dir);
  const mam = device.minAlignMask;
  if (!(mam >= 0 && mam <= MAX_MASK && allocAlignMask >= 0 && allocAlignMask <= MAX_MASK))
    refuseMask(device, allocAlignMask);
}

function refuseBuffer(device: SwiotlbDevice, orig: number, length: number, dir: number): never {
  const request = `${device.name}: bounce of ${length} bytes at ${hex(orig)}, direction ${dir}`;
  const why = 'length must be above 0, the address not negative, the direction 0, 1 or 2';
  throw new SwiotlbError('ERR_SWIOTLB_REQUEST', `${request}: ${why}`);
}

function refuseMask(device: SwiotlbDevice, allocAlignMask: number): never {
  const masks = `minAlignMask ${device.minAlignMask}, allocAlignMask ${allocAlignMask}`;
  throw new SwiotlbError('ERR_SWIOTLB_REQUEST', `${device.name}: ${masks}: alignment masks must be 0 to 0x7fffffff`);
}
