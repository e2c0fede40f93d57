import {
  IOMMU_READ,
  IOMMU_WRITE,
  type IommuUnit,
  type IommuUnitDriver,
  IotlbGather,
  type UnitDomain,
} from '@dmalab/iommu';
import { PAGE_SIZE, PhysMemory } from '@dmalab/phys-memory';
import { EventKind, type TraceLog } from '@dmalab/trace';
import { IOMMU_MODELS, type IommuKind } from '../machine/parts/iommu-models.ts';
import { iovaOperations } from './iova/operations.ts';

/** Something that came out of our tables otherwise than the kernel's trace says. Addresses are hexadecimal text. */
export interface TableResidual {
  readonly line: number;
  readonly what: 'page' | 'unmap' | 'map';
  readonly kernel: string;
  readonly ours: string;
}

/** How our page tables follow the kernel's map and unmap events. Plain JSON. */
export interface TableAgreement {
  /** Pages of all map events, and unmap events, in all. */
  readonly compared: number;
  readonly agree: number;
  /** 4 KiB pages that the unit translated to the physical page of the trace. */
  readonly pages: number;
  /** Unmap events that cleared as many bytes as the kernel's did. */
  readonly unmaps: number;
  /** The first mismatches, {@link MAX_RESIDUALS} at most. */
  readonly residuals: readonly TableResidual[];
}

const MAX_RESIDUALS = 20;
/** Where the tables of the replay lie: memory that holds nothing else. */
const FIRST_TABLE_PAGE = 2 ** 40;

/**
 * Writes each mapping of the trace into real tables through the driver, lets the unit translate each of its pages, and
 * clears it when the trace does. Each device has tables of its own.
 * @param kind of the machine's IOMMU
 * @returns null when the trace has no map event
 */
export function replayPageTables(log: TraceLog, kind: IommuKind = 'vtd'): TableAgreement | null {
  const replay = new TableReplay(log, kind);
  const owners = ownersOf(log);
  for (const [event, device] of owners) replay.take(event, device);
  return owners.length === 0 ? null : replay.agreement;
}

/** Map and unmap events in the order of the trace, each with its device: the events themselves name none (spec T34). */
function ownersOf(log: TraceLog): (readonly [event: number, device: string])[] {
  return iovaOperations(log)
    .flatMap(({ events, device }) => events.map((event) => [event, device] as const))
    .sort(([a], [b]) => a - b);
}

class TableReplay {
  readonly #log: TraceLog;
  readonly #memory = new PhysMemory();
  readonly #unit: IommuUnit;
  readonly #iommu: IommuUnitDriver;
  readonly #gather = new IotlbGather();
  readonly #domains = new Map<string, { readonly domain: UnitDomain; readonly sourceId: number }>();
  readonly #freePages: number[] = [];
  readonly #residuals: TableResidual[] = [];
  #nextPage = FIRST_TABLE_PAGE;
  #pages = 0;
  #unmaps = 0;
  #mismatches = 0;

  constructor(log: TraceLog, kind: IommuKind) {
    const model = IOMMU_MODELS[kind].legacy;
    this.#log = log;
    this.#unit = model.makeUnit(this.#memory);
    this.#iommu = model.makeDriver({
      registers: this.#unit,
      memory: this.#memory,
      allocTablePage: () => this.#freePages.pop() ?? this.#newPage(),
      freeTablePage: (phys) => this.#freePages.push(phys),
      allocTable: (lengthBytes) => this.#newTable(lengthBytes),
      freeTable: () => {}, // larger ones are a unit's own, which lives as long as the replay
    });
    this.#iommu.enable();
  }

  get agreement(): TableAgreement {
    const compared = this.#pages + this.#unmaps + this.#mismatches;
    return {
      compared,
      agree: compared - this.#mismatches,
      pages: this.#pages,
      unmaps: this.#unmaps,
      residuals: this.#residuals,
    };
  }

  take(event: number, device: string): void {
    const { domain, sourceId } = this.#domainOf(device);
    if (this.#log.kind(event) === EventKind.MAP) this.#map(event, domain, sourceId);
    else this.#unmap(event, domain);
  }

  #map(event: number, domain: UnitDomain, sourceId: number): void {
    const log = this.#log;
    const [iova, phys, size] = [log.address(event), log.phys(event), log.end(event) - log.address(event)];
    const errno = domain.map(iova, phys, size, IOMMU_READ | IOMMU_WRITE);
    if (errno !== 0) {
      this.#mismatch(event, 'map', '0', String(errno));
      return;
    }
    domain.iotlbSyncMap(iova, size);
    for (let at = 0; at < size; at += PAGE_SIZE) {
      const ours = this.#unit.translate(sourceId, iova + at, 1);
      if (ours === phys + at) this.#pages++;
      else this.#mismatch(event, 'page', hex(phys + at), hex(ours));
    }
  }

  #unmap(event: number, domain: UnitDomain): void {
    const log = this.#log;
    const gather = this.#gather;
    gather.reset(false);
    const cleared = domain.unmap(log.address(event), log.size(event), gather);
    domain.iotlbSync(gather);
    if (cleared === log.unmappedSize(event)) this.#unmaps++;
    else this.#mismatch(event, 'unmap', String(log.unmappedSize(event)), String(cleared));
  }

  #domainOf(device: string) {
    const known = this.#domains.get(device);
    if (known !== undefined) return known;
    const made = { domain: this.#iommu.createDomain(), sourceId: this.#domains.size };
    this.#iommu.attachDevice(made.sourceId, made.domain);
    this.#domains.set(device, made);
    return made;
  }

  #newPage(): number {
    return this.#newTable(PAGE_SIZE);
  }

  #newTable(lengthBytes: number): number {
    const table = Math.ceil(this.#nextPage / lengthBytes) * lengthBytes;
    this.#nextPage = table + lengthBytes;
    return table;
  }

  #mismatch(event: number, what: TableResidual['what'], kernel: string, ours: string): void {
    this.#mismatches++;
    if (this.#residuals.length < MAX_RESIDUALS) {
      this.#residuals.push({ line: this.#log.line(event), what, kernel, ours });
    }
  }
}

function hex(value: number): string {
  return value < 0 ? `fault ${-value}` : `0x${value.toString(16)}`;
}
