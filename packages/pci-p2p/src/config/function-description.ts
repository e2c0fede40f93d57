import { CONVENTIONAL_PCI, isBridgePort, PCI_EXP_TYPE_ENDPOINT, PCI_EXP_TYPE_PCIE_BRIDGE } from '../spec/port-type.ts';
import type { BarDescription } from './bars.ts';
import { PciDescriptionError } from './errors.ts';

/** MSI-X as the function offers it (spec T8). */
export interface MsixDescription {
  /** 1 to 2048. */
  readonly vectors: number;
  readonly bar: number;
  /** Offset of the table in its BAR, a multiple of 8. */
  readonly tableOffset: number;
  /** Offset of the pending bits, a multiple of 8; right behind the table when absent. */
  readonly pendingOffset?: number;
}

/** What a function is, before anything is written to it. Absent capabilities are absent in its config space. */
export interface FunctionDescription {
  readonly vendor: number;
  readonly device: number;
  /** 24 bits: class, subclass, programming interface. */
  readonly classCode?: number;
  readonly revision?: number;
  readonly subsystem?: { readonly vendor: number; readonly device: number };
  /** Spec T2, or `CONVENTIONAL_PCI`. Default: an endpoint. */
  readonly portType?: number;
  /** Conventional PCI-to-PCI bridge: only together with `CONVENTIONAL_PCI`. */
  readonly conventionalBridge?: boolean;
  /** Port number that egress vectors are indexed by (spec T9); default: the device number. */
  readonly portNumber?: number;
  readonly bars?: readonly BarDescription[];
  readonly msi?: { readonly vectors: number; readonly address64?: boolean; readonly maskable?: boolean };
  readonly msix?: MsixDescription;
  /** The wire that it pulls when neither message kind is enabled: 1 is INTA. Default: none. */
  readonly interruptPin?: 1 | 2 | 3 | 4;
  /** ACS: the capability word; bits 15:8 are the egress vector size (spec T9). */
  readonly acs?: { readonly capability: number };
  /** ATS: invalidate queue depth 1 to 32 (spec T10). */
  readonly ats?: { readonly queueDepth?: number; readonly pageAligned?: boolean };
  readonly pasid?: { readonly width: number; readonly execute?: boolean; readonly privileged?: boolean };
  readonly pri?: { readonly maxRequests: number };
  readonly sriov?: { readonly totalVfs: number; readonly firstVfOffset: number; readonly vfStride: number };
  /** Bodies of vendor capabilities: the bytes behind id, next and length. */
  readonly vendorCapabilities?: readonly Uint8Array[];
}

/** True for functions with a type 1 header. */
export function describesBridge(description: FunctionDescription): boolean {
  return isBridgePort(description.portType ?? PCI_EXP_TYPE_ENDPOINT) || description.conventionalBridge === true;
}

/** @throws {PciDescriptionError} naming the first thing that no hardware could have */
export function checkDescription(description: FunctionDescription): void {
  const { bars = [], msix, portType = PCI_EXP_TYPE_ENDPOINT } = description;
  if (description.conventionalBridge && portType !== CONVENTIONAL_PCI)
    throw new PciDescriptionError(`a conventional bridge has no port type, got ${portType}: use CONVENTIONAL_PCI`);
  const taken = new Set<number>();
  for (const bar of bars) checkBar(bar, describesBridge(description) ? 2 : 6, taken);
  if (msix !== undefined) checkMsix(msix, bars);
  const extended = description.acs ?? description.ats ?? description.pasid ?? description.pri ?? description.sriov;
  if (extended !== undefined && (portType === CONVENTIONAL_PCI || portType === PCI_EXP_TYPE_PCIE_BRIDGE))
    throw new PciDescriptionError(
      'extended capabilities need PCI Express: ACS, ATS, PASID, PRI and SR-IOV have no room',
    );
}

function checkBar(bar: BarDescription, registers: number, taken: Set<number>): void {
  const least = bar.kind === 'io' ? 4 : 16;
  const last = bar.index + (bar.kind === 'memory64' ? 1 : 0);
  if (!(bar.index >= 0 && last < registers)) throw new PciDescriptionError(`BAR ${bar.index}: there are ${registers}`);
  if (!(bar.sizeBytes >= least && Number.isInteger(Math.log2(bar.sizeBytes))))
    throw new PciDescriptionError(
      `BAR ${bar.index}: ${bar.sizeBytes} bytes is not a power of two of at least ${least}`,
    );
  if (bar.kind !== 'memory64' && bar.sizeBytes > 2 ** 31)
    throw new PciDescriptionError(`BAR ${bar.index}: ${bar.sizeBytes} bytes need a 64-bit BAR`);
  for (let index = bar.index; index <= last; index++) {
    if (taken.has(index)) throw new PciDescriptionError(`BAR register ${index} is described twice`);
    taken.add(index);
  }
}

function checkMsix(msix: MsixDescription, bars: readonly BarDescription[]): void {
  if (!(msix.vectors >= 1 && msix.vectors <= 2048))
    throw new PciDescriptionError(`MSI-X: ${msix.vectors} vectors, not 1 to 2048`);
  const bar = bars.find((candidate) => candidate.index === msix.bar && candidate.kind !== 'io');
  const end = Math.max(msix.tableOffset + 16 * msix.vectors, pendingOffsetOf(msix) + 8 * Math.ceil(msix.vectors / 64));
  if (bar === undefined || end > bar.sizeBytes || msix.tableOffset % 8 !== 0 || pendingOffsetOf(msix) % 8 !== 0)
    throw new PciDescriptionError(
      `MSI-X: table and pending bits end at 0x${end.toString(16)} of BAR ${msix.bar}: they must fit in a memory BAR at multiples of 8`,
    );
}

/** Where the pending bits start. */
export function pendingOffsetOf(msix: MsixDescription): number {
  return msix.pendingOffset ?? msix.tableOffset + 16 * msix.vectors;
}
