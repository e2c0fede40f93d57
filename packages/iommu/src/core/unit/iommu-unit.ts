import type { RegisterBacking } from '@dmalab/phys-memory';
import type { AtsCompletion, AtsRequest, DeviceTlb } from './ats.ts';
import type { DeviceRequest } from './device-request.ts';

/** Where a unit's own message-signalled interrupts go: the address and data of a message write. */
export type SendMessage = (address: number, data: number) => void;

/**
 * An IOMMU as hardware, whatever its kind: what devices' requests go through, and what a driver programs through registers
 * and memory. Registers answer at once; queues are worked off in {@link step} only, tables are read to translate.
 */
export interface IommuUnit extends RegisterBacking {
  /**
   * Physical address of that byte for an untranslated request without PASID; valid to the end of its 4 KiB page. Negative:
   * blocked, recorded as the unit's kind records faults.
   * @param isWrite 0 for a read, 1 for a write
   */
  translate(sourceId: number, address: number, isWrite: 0 | 1): number;
  /** Like {@link translate}, for requests with a PASID, atomics, fetches, supervisor and translated requests. */
  translateRequest(request: DeviceRequest): number;
  /** Answers an ATS translation request (spec H11). */
  requestTranslation(request: AtsRequest): AtsCompletion;
  /** Takes part in invalidations from now on: the cache that a device keeps of its ATS translations (spec H11). */
  attachDeviceTlb(sourceId: number, deviceTlb: DeviceTlb): void;
  detachDeviceTlb(sourceId: number): void;
  /** Works off queues. */
  step(): void;
}
