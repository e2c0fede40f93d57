/** Which part of the kernel printed a line. */
export type Family =
  | 'boot'
  | 'vt-d'
  | 'amd-vi'
  | 'smmu'
  | 'virtio-iommu'
  | 'swiotlb'
  | 'dma-api'
  | 'dma-debug'
  | 'p2p'
  | 'nvme'
  | 'block'
  | 'log';

/** How much a line matters: something failed, something is wrong, or it says how the machine is set up. */
export type Severity = 'error' | 'warning' | 'info';

export type FieldValue = string | number | boolean;

/** Decoded parts of a line by name. Addresses are text with 0x: they may need more than 53 bits. */
export type Fields = Readonly<Record<string, FieldValue>>;

/** What one rule makes of one line. */
export interface Account {
  /** As `0000:00:03.0` for a PCI device, else as the kernel names it; null where the line concerns no device. */
  readonly device: string | null;
  readonly severity: Severity;
  /** In plain words. */
  readonly says: string;
  readonly fields: Fields;
  /** The likeliest first. Empty for a line that reports no trouble. */
  readonly causes: readonly string[];
  /** What to look at or to set, in that order. */
  readonly next: readonly string[];
  /** Numbers of the rules that the causes and the advice follow from. */
  readonly basis: readonly string[];
  /** Lines of one rule and device with the same key are one explanation with a count; without key, those that say the same. */
  readonly key?: string;
  /** Worth a word only where something in the log may have caused it. */
  readonly consequence?: true;
}

/** One line of a group: its place and its own fields. */
export interface Occurrence {
  /** From 1. */
  readonly line: number;
  /** Kernel time in seconds; null where the line shows none. */
  readonly seconds: number | null;
  readonly fields: Fields;
}

/** Another explanation that this one follows from. */
export interface Relation {
  /** First line of the other explanation. */
  readonly line: number;
  readonly because: string;
}

/** A line of the log, or equal lines grouped, explained. `text`, `fields` and advice are those of the first. */
export interface Explanation extends Omit<Account, 'key' | 'consequence'> {
  readonly rule: string;
  readonly family: Family;
  /** Of the first line, from 1. */
  readonly line: number;
  readonly text: string;
  /** Lines like it, those under a `callbacks suppressed` note not among them. */
  readonly count: number;
  readonly occurrences: readonly Occurrence[];
  /** The lines that belong to the first one: dumped words, decoded parts. */
  readonly details: readonly string[];
  readonly followsFrom: readonly Relation[];
}
