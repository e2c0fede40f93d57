export type { ConformanceRig, ScratchMemory } from './conformance-rig.ts';
export type { ConformanceEffort } from './iommu-conformance.ts';
export { iommuConformance } from './iommu-conformance.ts';
