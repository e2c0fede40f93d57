import { PAGE_SIZE } from '@dmalab/phys-memory';
import { DMA_NONE } from '../constants.ts';
import type { SwiotlbDevice } from '../device.ts';
import { hex, SwiotlbError } from '../errors.ts';

const MAX_MASK = 0x7fffffff; // masks are 31 bits, so that `&` with an address of any width is exact and not negative

/** @throws {SwiotlbError} ERR_SWIOTLB_REQUEST for a mapping that no kernel would ask for */
export function checkRequest(
  device: SwiotlbDevice,
  orig: number,
  length: number,
  allocAlignMask: number,
  dir: number,
): void {
  if (!(length > 0 && orig >= 0)) refuseBuffer(device, orig, length);
  checkDirection(device, dir);
  const mam = device.minAlignMask;
  if (!(mam >= 0 && mam <= MAX_MASK && allocAlignMask >= 0 && allocAlignMask <= MAX_MASK))
    refuseMask(device, allocAlignMask);
}

/** @throws {SwiotlbError} ERR_SWIOTLB_REQUEST for DMA_NONE and what is no direction: the kernel stops (spec S5) */
export function checkDirection(device: SwiotlbDevice, dir: number): void {
  if (!(dir >= 0 && dir < DMA_NONE)) {
    throw refusal(`${device.name}: direction ${dir}: it must be 0, 1 or 2`);
  }
}

/** @throws {SwiotlbError} ERR_SWIOTLB_REQUEST for a coherent block that is not whole pages (spec S122) */
export function checkBlock(device: SwiotlbDevice, size: number): void {
  if (!(size > 0 && size % PAGE_SIZE === 0)) {
    throw refusal(`${device.name}: coherent block of ${size} bytes: it must be a multiple of 4096`);
  }
}

function refuseBuffer(device: SwiotlbDevice, orig: number, length: number): never {
  throw refusal(
    `${device.name}: bounce of ${length} bytes at ${hex(orig)}: length and address must not be negative, nor the length 0`,
  );
}

function refuseMask(device: SwiotlbDevice, allocAlignMask: number): never {
  const masks = `minAlignMask ${device.minAlignMask}, allocAlignMask ${allocAlignMask}`;
  throw refusal(`${device.name}: ${masks}: alignment masks must be 0 to 0x7fffffff`);
}

function refusal(message: string): SwiotlbError {
  return new SwiotlbError('ERR_SWIOTLB_REQUEST', message);
}
