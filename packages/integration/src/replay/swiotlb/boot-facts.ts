import { areasFor, parseSwiotlbParameter, type SwiotlbParameter, setAreas } from '@dmalab/swiotlb';

const SLOT = 2048;

/** What the text beside a trace says of the pool and its devices; what it doesn't say is missing. */
export interface BootFacts {
  readonly start?: number;
  readonly slotCount?: number;
  readonly areaCount?: number;
  /** The text that each figure was read from, by field. */
  readonly sources: Readonly<Record<string, string>>;
  /** Drivers by device name, as log lines pair them. */
  readonly drivers: ReadonlyMap<string, string>;
}

/**
 * Reads a boot log, with or without debugfs dumps around it (spec S130 to S132).
 *
 * @param cpus CPUs of the machine, for a log that names no number of areas (spec S13)
 */
export function readBootFacts(text: string, cpus: number): BootFacts {
  const sources: Record<string, string> = {};
  const drivers = readDrivers(text);
  const mapped = /software IO TLB: mapped \[mem (0x[0-9a-f]+)-(0x[0-9a-f]+)\]/.exec(text);
  const parameter = readParameter(text, cpus);
  const slots = readSlots(text, mapped, parameter);
  if (parameter === null && slots === null) return { sources, drivers };
  const slotCount = slots?.slotCount ?? parameter!.slots;
  sources['slotCount'] = slots?.source ?? 'kernel command line';
  const wanted = readAreas(text) ?? parameter?.areas ?? 1;
  sources['areaCount'] = readAreas(text) === null ? 'kernel command line' : 'area num';
  const facts = { slotCount, areaCount: areasFor(slotCount, wanted), sources, drivers };
  if (mapped === null) return facts;
  sources['start'] = 'mapped';
  return { ...facts, start: Number(mapped[1]) };
}

/** The most trustworthy figure: what the running pool says of itself, then what the boot code said while it made it. */
function readSlots(text: string, mapped: RegExpExecArray | null, parameter: SwiotlbParameter | null) {
  const nslabs = lastOf(text, /io_tlb_nslabs[\s:=]+(\d+)/g);
  if (nslabs !== null) return { slotCount: Number(nslabs), source: 'io_tlb_nslabs' };
  const total = lastOf(text, /swiotlb buffer is full .*total (\d+) \(slots\)/g);
  if (total !== null) return { slotCount: Number(total), source: 'swiotlb buffer is full' };
  if (mapped !== null) return { slotCount: (Number(mapped[2]) - Number(mapped[1])) / SLOT, source: 'mapped' };
  const adjusted = lastOf(text, /bounce buffer size adjusted \d+ -> (\d+) slabs/g);
  if (adjusted !== null) return { slotCount: Number(adjusted), source: 'size adjusted' };
  return parameter === null ? null : { slotCount: parameter.slots, source: 'kernel command line' };
}

/** Spec S11 to S13. Null when the text shows no command line. */
function readParameter(text: string, cpus: number): SwiotlbParameter | null {
  const commandLine = lastOf(text, /[Cc]ommand line: (.*)/g);
  if (commandLine === null) return null;
  const parameter = parseSwiotlbParameter(commandLine);
  if (parameter.areas === 0) setAreas(parameter, readAreas(text) ?? cpus, []);
  return parameter;
}

function readAreas(text: string): number | null {
  const areas = lastOf(text, /software IO TLB: area num (\d+)\./g);
  return areas === null ? null : Number(areas);
}

function lastOf(text: string, pattern: RegExp): string | null {
  return [...text.matchAll(pattern)].at(-1)?.[1] ?? null;
}

/** `ata_piix 0000:00:01.1: ...`, `nvme nvme0: pci function 0000:00:03.0`; the PCI core's own lines name no driver. */
function readDrivers(text: string): Map<string, string> {
  const drivers = new Map<string, string>();
  const device = '[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]';
  for (const [, driver, name] of text.matchAll(new RegExp(`^(?:\\[[^\\]]*\\] )?([\\w-]+) (${device}): `, 'gm'))) {
    if (!NOT_DRIVERS.has(driver)) drivers.set(name, driver);
  }
  for (const [, driver, name] of text.matchAll(new RegExp(`(\\w+) \\w+: pci function (${device})`, 'g'))) {
    drivers.set(name, driver);
  }
  return drivers;
}

const NOT_DRIVERS: ReadonlySet<string> = new Set(['pci', 'pci_bus', 'pcieport', 'iommu', 'DMAR', 'PCI']);
