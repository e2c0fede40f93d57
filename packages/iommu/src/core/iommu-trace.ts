/** The trace events of this subsystem (spec I160); a `TraceRing` is one. Emit only while `on` reads true. */
export interface IommuTrace {
  readonly on: boolean;
  iommuMap(iova: number, size: number, phys: number): void;
  iommuUnmap(iova: number, size: number, unmapped: number): void;
}

/** Records nothing. */
export const NO_TRACE: IommuTrace = {
  on: false,
  iommuMap() {},
  iommuUnmap() {},
};
