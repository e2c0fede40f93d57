export { type BenchCase, benchmarks, type Kernel } from './bench-case.ts';
export { hitKernel, pairKernel, pteKernel, sqeKernel } from './limit-kernels.ts';
export { withoutObservation } from './observation/without-observation.ts';
