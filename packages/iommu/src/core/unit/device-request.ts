/** What a device asks of an IOMMU (spec H1): one piece inside a 4 KiB page. */
export interface DeviceRequest {
  /** What the unit knows the device by: bus, device and function in 16 bits; RISC-V has 24 bits, SMMUv3 32. */
  readonly sourceId: number;
  readonly address: number;
  /** 20 bits; absent: the request carries none. */
  readonly pasid?: number;
  /** An atomic needs both rights. */
  readonly access: 'read' | 'write' | 'atomic';
  readonly execute?: boolean;
  readonly privileged?: boolean;
  /** The address was translated by ATS before (AT = 2): it passes if the device may use ATS. */
  readonly translated?: boolean;
}
