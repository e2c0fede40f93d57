import { IO_TLB_SIZE } from '../constants.ts';
import { hex, SwiotlbError } from '../errors.ts';
import { SwiotlbPool } from '../pool/pool.ts';
import { Swiotlb, type SwiotlbOptions } from './swiotlb.ts';

/** A `restricted-dma-pool` node of the device tree, and what it shares with the system's allocator. */
export interface RestrictedPoolOptions
  extends Pick<SwiotlbOptions, 'memory' | 'shadow' | 'memoryEncryption' | 'deviceAddress' | 'log'> {
  readonly start: number;
  readonly sizeBytes: number;
  /** Properties that the node has; some forbid a restricted pool (spec S120). */
  readonly properties?: readonly string[];
}

const FORBIDDEN = ['reusable', 'no-map', 'linux,cma-default', 'linux,dma-default'];

/**
 * The allocator of a restricted pool: every mapping of its devices bounces into it, and coherent memory comes out of it.
 * Devices that attach share it (spec S120, S121).
 *
 * @throws {SwiotlbError} ERR_SWIOTLB_POOL when the node can't be a restricted pool
 */
export function createRestrictedPool(options: RestrictedPoolOptions): Swiotlb {
  const { start, sizeBytes, properties = [], log, memoryEncryption = 'none' } = options;
  const forbidden = properties.find((property) => FORBIDDEN.includes(property));
  if (forbidden !== undefined) {
    throw new SwiotlbError(
      'ERR_SWIOTLB_POOL',
      `reserved memory at ${hex(start)} is ${forbidden}: it can't be a restricted DMA pool`,
    );
  }
  const shared = memoryEncryption !== 'none';
  const pool = new SwiotlbPool({ start, slotCount: Math.floor(sizeBytes / IO_TLB_SIZE), shared });
  log?.line(
    `Reserved memory: created restricted DMA pool at ${hex(start)}, size ${Math.floor(sizeBytes / 2 ** 20)} MiB`,
  );
  return new Swiotlb({ ...options, pool, force: true, forAlloc: true });
}
