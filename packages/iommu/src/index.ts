export type { AmdDomain, AmdStage } from './amd/driver/amd-domain.ts';
export type { AmdDomainOptions, AmdIommuOptions } from './amd/driver/amd-iommu.ts';
export { AmdIommu } from './amd/driver/amd-iommu.ts';
export { AmdTimeoutError, AmdUnsupportedError } from './amd/driver/errors.ts';
export type { AmdFault } from './amd/driver/event-handler.ts';
export { AMD_PRESETS, AmdFeatures } from './amd/features.ts';
export type { AmdUnitOptions } from './amd/hardware/amd-unit.ts';
export { AmdUnit } from './amd/hardware/amd-unit.ts';
export type { AmdDeviations } from './amd/hardware/deviations.ts';
export { AMD_BLOCKED } from './amd/hardware/translator.ts';
export type { DmaDomainOptions } from './core/dma-domain.ts';
export { DmaDomain } from './core/dma-domain.ts';
export { IommuUsageError } from './core/errors.ts';
export type { AmdPageFault } from './core/faults/amd-event-lines.ts';
export {
  AMD_FAULT_INTERRUPT,
  AMD_FAULT_WRITE,
  amdDetachedDeviceLines,
  amdDeviceTableLines,
  amdEventLine,
  amdPageFaultLine,
} from './core/faults/amd-event-lines.ts';
export { FaultRateLimit } from './core/faults/fault-rate-limit.ts';
export type { FaultHandler, FaultTrace } from './core/faults/report-fault.ts';
export { IOMMU_FAULT_READ, IOMMU_FAULT_WRITE, reportIommuFault } from './core/faults/report-fault.ts';
export type { RiscvFault } from './core/faults/riscv-fault-lines.ts';
export { riscvFaultLine } from './core/faults/riscv-fault-lines.ts';
export type { SmmuEvent } from './core/faults/smmu-event-lines.ts';
export { smmuEventLines, smmuEventName } from './core/faults/smmu-event-lines.ts';
export type { VirtioFault } from './core/faults/virtio-fault-lines.ts';
export { virtioFaultLine } from './core/faults/virtio-fault-lines.ts';
export type { VtdFault } from './core/faults/vtd-fault-lines.ts';
export { vtdFaultLine, vtdFaultReasonText, vtdFaultStatusLine } from './core/faults/vtd-fault-lines.ts';
export type { FlushQueueOptions } from './core/flush-queue.ts';
export { FLUSH_QUEUE_PER_CPU, FLUSH_QUEUE_SHARED, FlushQueue } from './core/flush-queue.ts';
export type { GroupablePciDevice, PciKind } from './core/groups/acs.ts';
export { ACS_REQUIRED, acsEnabled, acsPathEnabled } from './core/groups/acs.ts';
export type { GroupFinder } from './core/groups/group-registry.ts';
export { GroupRegistry } from './core/groups/group-registry.ts';
export type { VtdGroupDevice } from './core/groups/intel-driver.ts';
export { IntelGroupDriver } from './core/groups/intel-driver.ts';
export type { GroupDevice, IommuDomain, IommuDriver } from './core/groups/iommu-domain.ts';
export { DomainType } from './core/groups/iommu-domain.ts';
export type { GroupTrace } from './core/groups/iommu-group.ts';
export { IommuGroup } from './core/groups/iommu-group.ts';
export { pciDeviceGroup } from './core/groups/pci-grouping.ts';
export type { IommuDevice } from './core/iommu-device.ts';
export { gatherAddPage, iommuMap, iommuMapNosync, iommuUnmap, iommuUnmapFast, syncGather } from './core/iommu-map.ts';
export type { IommuTrace } from './core/iommu-trace.ts';
export { NO_TRACE } from './core/iommu-trace.ts';
export { IotlbGather } from './core/iotlb-gather.ts';
export type { KernelContextOptions } from './core/kernel-context.ts';
export { KernelContext } from './core/kernel-context.ts';
export { MsiCookie, MsiPages } from './core/msi-pages.ts';
export type { PageLane } from './core/page-lane.ts';
export type { PageOperations, PagingDomain } from './core/paging-domain.ts';
export {
  IOMMU_CACHE,
  IOMMU_MMIO,
  IOMMU_NOEXEC,
  IOMMU_PRIV,
  IOMMU_READ,
  IOMMU_WRITE,
} from './core/paging-domain.ts';
export type { DefaultDomainChoice } from './core/policy/default-domain-type.ts';
export { defaultDomainType } from './core/policy/default-domain-type.ts';
export type { DefaultPolicy, IntelOptions, PolicyDefaults } from './core/policy/default-policy.ts';
export { defaultPolicy, forceStrict, policyLines } from './core/policy/default-policy.ts';
export { createDirectMappings, requiresDirectMapping } from './core/regions/direct-mappings.ts';
export type { BusWindow, IovaReservations } from './core/regions/iova-reservations.ts';
export { reserveIovas } from './core/regions/iova-reservations.ts';
export type { ReservedRegion } from './core/regions/reserved-region.ts';
export {
  AMD_HYPERTRANSPORT_REGION,
  ISA_BRIDGE_REGION,
  mergeRegions,
  RegionKind,
  reservedRegionsFile,
  SW_MSI_REGION,
  X86_MSI_REGION,
} from './core/regions/reserved-region.ts';
export { millisToTicks, timerDueNanos, wheelExpiry } from './core/timer-wheel.ts';
export type { AtsCompletion, AtsRequest, DeviceTlb } from './core/unit/ats.ts';
export type { DeviceRequest } from './core/unit/device-request.ts';
export type { IommuUnit, SendMessage } from './core/unit/iommu-unit.ts';
export type {
  FaultMessage,
  IommuUnitDriver,
  IommuUnitDriverOptions,
  UnitDomain,
  UnitDomainOptions,
  UnitFault,
} from './core/unit/iommu-unit-driver.ts';
export { TablePagesExhaustedError } from './core/unit/table-pages-exhausted-error.ts';
export type { IovaDomainOptions } from './iova/iova-domain.ts';
export { IovaDomain } from './iova/iova-domain.ts';
export type { PageTableFormat } from './page-table/page-table-format.ts';
export type { TableMemory, TablePages, WritableTables } from './page-table/table-memory.ts';
export { RISCV_PRESETS, RiscvCapabilities } from './riscv/capabilities.ts';
export { RiscvCommandTimeoutError, RiscvRegisterError, RiscvUnsupportedError } from './riscv/driver/errors.ts';
export { RiscvDomain } from './riscv/driver/riscv-domain.ts';
export type { RiscvDomainOptions, RiscvIommuOptions } from './riscv/driver/riscv-iommu.ts';
export { RiscvIommu } from './riscv/driver/riscv-iommu.ts';
export type { RiscvDeviations } from './riscv/hardware/deviations.ts';
export type { DriveWire } from './riscv/hardware/interrupts.ts';
export type { RiscvUnitOptions } from './riscv/hardware/riscv-unit.ts';
export { RiscvUnit } from './riscv/hardware/riscv-unit.ts';
export { RISCV_INTERRUPT_FILE } from './riscv/hardware/translator.ts';
export type { SmmuIdRegisters } from './smmuv3/capabilities.ts';
export { SMMU_PRESETS, SmmuCapabilities } from './smmuv3/capabilities.ts';
export type { ArmSmmuV3Options, SmmuDomainOptions } from './smmuv3/driver/arm-smmu-v3.ts';
export { ArmSmmuV3 } from './smmuv3/driver/arm-smmu-v3.ts';
export { SmmuTableMemoryError, SmmuTimeoutError, SmmuUnsupportedError } from './smmuv3/driver/errors.ts';
export type { SmmuFault } from './smmuv3/driver/event-handler.ts';
export type { SmmuStage } from './smmuv3/driver/smmu-domain.ts';
export { SmmuDomain } from './smmuv3/driver/smmu-domain.ts';
export type { SmmuDeviations } from './smmuv3/hardware/deviations.ts';
export type { SmmuV3UnitOptions } from './smmuv3/hardware/smmuv3-unit.ts';
export { SmmuV3Unit } from './smmuv3/hardware/smmuv3-unit.ts';
export { SMMU_BLOCKED } from './smmuv3/hardware/translator.ts';
export type { SmmuWire } from './smmuv3/hardware/unit-interrupts.ts';
export { VTD_PRESETS, VtdCapabilities } from './vtd/capabilities.ts';
export { VtdUnsupportedError } from './vtd/driver/errors.ts';
export type { IntelIommuOptions, VtdDomainOptions } from './vtd/driver/intel-iommu.ts';
export { IntelIommu } from './vtd/driver/intel-iommu.ts';
export { InvalidationTimeoutError } from './vtd/driver/queued-invalidation.ts';
export { VtdCommandError } from './vtd/driver/unit-control.ts';
export type { VtdStage } from './vtd/driver/vtd-domain.ts';
export { VtdDomain } from './vtd/driver/vtd-domain.ts';
export type { FaultCodes } from './vtd/hardware/fault-reasons.ts';
export { VTD_BLOCKED } from './vtd/hardware/translator.ts';
export type { VtdUnitOptions } from './vtd/hardware/vtd-unit.ts';
export { VtdUnit } from './vtd/hardware/vtd-unit.ts';
export type { ExpectedMapping, MappingCheck, MappingMismatch } from './walk/check-mappings.ts';
export { checkMappings, parseExpectedMappings } from './walk/check-mappings.ts';
export { formatDevice, parseDevice } from './walk/device-address.ts';
export { listDevices } from './walk/list-devices.ts';
export type { DeviceMappings } from './walk/list-mappings.ts';
export { listMappings } from './walk/list-mappings.ts';
export type { MappingRange, MappingRanges } from './walk/mapping-ranges.ts';
export type { DumpMemory } from './walk/table-dump.ts';
export type { WalkErrorCode } from './walk/walk-error.ts';
export { WalkError } from './walk/walk-error.ts';
export type { IovaWalk } from './walk/walk-iova.ts';
export { walkIova } from './walk/walk-iova.ts';
export type { WalkKind } from './walk/walk-kinds.ts';
export { isWalkKind, parseWalkUnit, WALK_KINDS } from './walk/walk-kinds.ts';
export type { WalkStep } from './walk/walk-step.ts';
export type { DeviceTables, DeviceTranslation, WalkUnit } from './walk/walk-unit.ts';
