import { altHex } from './format.ts';

/** A fault that a virtio-iommu device reported (spec I180). */
export interface VirtioFault {
  readonly reason: 'domain' | 'page' | 'unknown';
  readonly endpoint: number;
  /** Null when the report carries no address. */
  readonly address: number | bigint | null;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

/** The kernel's line for it, without the device prefix. */
export function virtioFaultLine(fault: VirtioFault): string {
  const head = `${fault.reason} fault from EP ${fault.endpoint}`;
  if (fault.address === null) return head;
  const access = `${fault.read ? 'R' : ''}${fault.write ? 'W' : ''}${fault.execute ? 'X' : ''}`;
  return `${head} at ${altHex(fault.address)} [${access}]`;
}
