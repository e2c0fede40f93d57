/** What a part is, which decides its colour. */
export type PartKind = 'port' | 'disk' | 'peer' | 'other';

/** A PCI function, and what is plugged in below it. */
export interface DrawnPart {
  readonly kind: PartKind;
  /** Its address and what it is. */
  readonly name: string;
  /** A line under the name; empty for none. */
  readonly note: string;
  readonly parts: readonly DrawnPart[];
}

/** A host bridge: what it claims, and its bus. */
export interface DrawnRoot {
  readonly name: string;
  /** Address windows, a line each. */
  readonly windows: readonly string[];
  readonly parts: readonly DrawnPart[];
}

/** A machine as far as a picture shows it, from the processors down to the devices. */
export interface DrawnMachine {
  readonly title: string;
  readonly note: string;
  /** Null where nothing is known of it, as from a list of devices. */
  readonly cpus: string | null;
  /** What memory there is, a line each; empty where nothing is known. */
  readonly memory: readonly string[];
  /** What stands between devices and memory; null for nothing, or nothing known. */
  readonly iommu: string | null;
  readonly roots: readonly DrawnRoot[];
}
