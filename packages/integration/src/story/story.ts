import type { MachineDescription } from '../machine/machine-description.ts';

/** One request of a story: what was asked, what the driver told the device, what came of it. */
export interface StoryRequest {
  readonly what: string;
  readonly bytes: number;
  /** The range of IOVAs that the request object still held when it was used again; null for none. */
  readonly heldRange: { readonly iova: string; readonly bytes: number } | null;
  /** How the command names its data. */
  readonly descriptor: string;
  /** Bytes that the command and its descriptors name, of those that it says it moves. */
  readonly describedBytes: number;
  /** Ranges that went into the IOMMU's tables for it, and out of them. */
  readonly iommuMaps: number;
  readonly iommuUnmaps: number;
  readonly iommuFaults: number;
  /** As the completion queue entry gives it, e.g. `0x400f`. */
  readonly nvmeStatus: string;
  readonly errno: number;
  /** Bytes that arrived where they should. */
  readonly arrivedBytes: number;
  /** What the kernel printed. */
  readonly log: readonly string[];
}

/** The same requests in one setting. */
export interface StoryRun {
  readonly setting: string;
  readonly requests: readonly StoryRequest[];
}

/** A defect as it happens, and as it would not. Plain JSON. */
export interface Story {
  readonly title: string;
  /** What goes wrong, where, and why nothing else tells of it: a paragraph each. */
  readonly plot: readonly string[];
  /** Where it happens. */
  readonly machine: MachineDescription;
  readonly runs: readonly StoryRun[];
  /** What the figures show, a line each. */
  readonly findings: readonly string[];
}
