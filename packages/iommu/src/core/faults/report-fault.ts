const ENOSYS = -38;
/** Flags of a reported fault (spec I170). */
export const IOMMU_FAULT_READ = 0;
export const IOMMU_FAULT_WRITE = 1;

/** 0 when it dealt with the fault; anything else leaves the logging to the driver. */
export type FaultHandler = (deviceName: string, iova: number, flags: number) => number;

/** Receives the `io_page_fault` event; a `TraceRing` is one. */
export interface FaultTrace {
  readonly on: boolean;
  intern(text: string): number;
  ioPageFault(driver: number, device: number, iova: number, flags: number): void;
}

/** What a driver does with a fault before it logs it: asks the domain's handler, and emits the event in any case (spec I170). */
export function reportIommuFault(
  trace: FaultTrace,
  handler: FaultHandler | null,
  driver: string,
  deviceName: string,
  iova: number,
  flags: number,
): number {
  const result = handler === null ? ENOSYS : handler(deviceName, iova, flags);
  if (trace.on) trace.ioPageFault(trace.intern(driver), trace.intern(deviceName), iova, flags);
  return result;
}
