/** The four ACS controls without which devices can reach each other behind the IOMMU's back (spec I122). */
export const ACS_SOURCE_VALIDATION = 0x01;
export const ACS_REQUEST_REDIRECT = 0x04;
export const ACS_COMPLETION_REDIRECT = 0x08;
export const ACS_UPSTREAM_FORWARDING = 0x10;
export const ACS_REQUIRED =
  ACS_SOURCE_VALIDATION | ACS_REQUEST_REDIRECT | ACS_COMPLETION_REDIRECT | ACS_UPSTREAM_FORWARDING;

/** What grouping has to know of a PCI function (spec I121, I122). */
export interface GroupablePciDevice {
  /** `0000:00:03.0`. */
  readonly name: string;
  readonly bus: number;
  /** Device number times 8 plus function number. */
  readonly devfn: number;
  readonly multifunction: boolean;
  readonly kind: PciKind;
  /** Bits of the ACS capability and of its control register; null without the capability. */
  readonly acs: { readonly capability: number; readonly control: number } | null;
  /** The bridge to the bus that the function is on; null on a root bus. */
  readonly upstream: GroupablePciDevice | null;
  /** Bridges above that put their own requester id on this function's requests, nearest first. */
  readonly upstreamAliases?: readonly GroupablePciDevice[];
  /** Other `devfn`s of its bus whose requester id it uses too. */
  readonly aliases?: readonly number[];
  /** Known to isolate, or not to, whatever its capability says. */
  readonly acsQuirk?: boolean;
}

export type PciKind =
  | 'root-port'
  | 'downstream-port'
  | 'upstream-port'
  | 'endpoint'
  | 'integrated-endpoint'
  | 'event-collector'
  | 'bridge-to-pci'
  | 'conventional';

/** Does the function keep its requests apart from its neighbours' (spec I122)? */
export function acsEnabled(device: GroupablePciDevice): boolean {
  if (device.acsQuirk !== undefined) return device.acsQuirk;
  switch (device.kind) {
    case 'root-port':
    case 'downstream-port':
      return controlsEnabled(device);
    case 'upstream-port':
    case 'endpoint':
    case 'integrated-endpoint':
      return !device.multifunction || controlsEnabled(device);
    default:
      return false;
  }
}

/** Does every function from this one up to the root (spec I121 step 2)? */
export function acsPathEnabled(device: GroupablePciDevice): boolean {
  for (let at: GroupablePciDevice | null = device; at !== null; at = at.upstream) if (!acsEnabled(at)) return false;
  return true;
}

/** Controls that the capability does not have count as hard-wired on (spec I122). */
function controlsEnabled({ acs }: GroupablePciDevice): boolean {
  if (acs === null) return false;
  const needed = ACS_REQUIRED & acs.capability;
  return (acs.control & needed) === needed;
}
