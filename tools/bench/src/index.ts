export { type BenchCase, benchmarks, type Kernel } from './bench-case.ts';
export type { Growth } from './growth.ts';
export { hitKernel, pairKernel, pteKernel, sqeKernel } from './limit-kernels.ts';
export { withoutObservation } from './observation/without-observation.ts';
export { bytesInUse, type Quantity } from './quantity.ts';
