import { Device, DmaContext, dmaMapPhys } from '@dmalab/dma-api';
import { ADDRESS_LIMIT, type PhysAddr, PhysMemory } from '@dmalab/phys-memory';
import { EventKind, type TraceLog } from '@dmalab/trace';
import { flowOf } from './iova/execution.ts';

/** A direct mapping whose address is not the one in the trace. Addresses are hexadecimal text. */
export interface DirectResidual {
  readonly line: number;
  readonly phys: string;
  readonly kernel: string;
  readonly ours: string;
}

/** How the direct backend agrees with the kernel's. Plain JSON. */
export interface DirectAgreement {
  /** Mapped ranges that were neither bounced nor put behind an IOMMU; entries of lists count one each. */
  readonly compared: number;
  readonly agree: number;
  /** The first mismatches, {@link MAX_RESIDUALS} at most. */
  readonly residuals: readonly DirectResidual[];
}

export const MAX_RESIDUALS = 20;

/**
 * Maps each buffer of the trace that went straight to the device through the direct backend, and compares the address.
 * @param translated devices behind an IOMMU, whose mappings are somebody else's
 * @returns null when the trace shows no such mapping
 */
export function replayDirect(log: TraceLog, translated: ReadonlySet<string>): DirectAgreement | null {
  const replay = new DirectReplay(translated);
  replay.take(log);
  return replay.agreement;
}

/** The same batch by batch: each mapping is judged by itself. */
export class DirectReplay {
  readonly #translated: ReadonlySet<string>;
  /** Flows of control whose next mapping was bounced. */
  readonly #bouncing = new Set<number>();
  readonly #context = new DmaContext({ memory: new PhysMemory(), ram: [{ start: 0, end: ADDRESS_LIMIT - 1 }] });
  readonly #devices = new Map<string, Device>();
  readonly #residuals: DirectResidual[] = [];
  #compared = 0;
  #agree = 0;

  constructor(translated: ReadonlySet<string>) {
    this.#translated = translated;
  }

  get agreement(): DirectAgreement | null {
    if (this.#compared === 0) return null;
    return { compared: this.#compared, agree: this.#agree, residuals: this.#residuals };
  }

  take(log: TraceLog): void {
    for (let event = 0; event < log.length; event++) {
      const kind = log.kind(event);
      if (kind === EventKind.SWIOTLB_BOUNCED) this.#bouncing.add(flowOf(log, event));
      else if (kind === EventKind.DMA_MAP_PHYS || kind === EventKind.DMA_MAP_SG) {
        // A list that bounced in part can't be told entry by entry, so none of it is compared here (spec S98).
        const isBounced = this.#bouncing.delete(flowOf(log, event));
        if (!isBounced && !this.#translated.has(log.device(event))) this.#map(log, event);
      }
    }
  }

  #map(log: TraceLog, event: number): void {
    if (log.kind(event) === EventKind.DMA_MAP_PHYS) {
      this.#compare(log, event, log.phys(event), log.size(event), log.address(event));
      return;
    }
    for (let i = 0; i < Math.min(log.physCount(event), log.dmaCount(event)); i++) {
      this.#compare(log, event, log.physAt(event, i), log.sizeAt(event, i), log.dmaAddrAt(event, i));
    }
  }

  #compare(log: TraceLog, event: number, phys: number, size: number, kernel: number): void {
    const ours = dmaMapPhys(this.#device(log.device(event)), phys as PhysAddr, size, log.dir(event), log.attrs(event));
    this.#compared++;
    if (ours === kernel) this.#agree++;
    else if (this.#residuals.length < MAX_RESIDUALS) {
      this.#residuals.push({ line: log.line(event), phys: hex(phys), kernel: hex(kernel), ours: hex(ours) });
    }
  }

  /** Its mask is not in the trace; one that reaches everything never bounces, and these mappings did not. */
  #device(name: string): Device {
    const device = this.#devices.get(name) ?? new Device(this.#context, name, { dmaMask: 2 ** 64 - 1 });
    this.#devices.set(name, device);
    return device;
  }
}

function hex(address: number): string {
  return address < 0 ? 'failure' : `0x${address.toString(16)}`;
}
