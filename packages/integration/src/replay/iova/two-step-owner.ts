import { EventKind, type TraceLog } from '@dmalab/trace';
import { flowOf } from './execution.ts';

/**
 * Which device a two-step mapping belongs to. Its events name none (spec I160), but NVMe's own events around it name the
 * controller, and one-step mappings of the same controller tell which PCI device that is.
 */
export class TwoStepOwner {
  readonly #controllerByFlow = new Map<number, string>();
  readonly #votes = new Map<string, Map<string, number>>();
  readonly #eventsOfDevice = new Map<string, number>();

  constructor(log: TraceLog) {
    for (let event = 0; event < log.length; event++) {
      this.observe(log, event);
      if (log.kind(event) === EventKind.DMA_MAP_PHYS) this.#vote(log, event);
    }
    this.#controllerByFlow.clear();
  }

  /** Call for each event in order, before {@link owner} of that event. */
  observe(log: TraceLog, event: number): void {
    const kind = log.kind(event);
    if (kind === EventKind.NVME_SETUP_CMD || kind === EventKind.NVME_SQ) {
      this.#controllerByFlow.set(flowOf(log, event), log.device(event));
    }
  }

  /** The device behind the controller that this flow of control works for; without one, the trace's busiest device. */
  owner(log: TraceLog, event: number): string {
    const controller = this.#controllerByFlow.get(flowOf(log, event)) ?? '';
    return most(this.#votes.get(controller) ?? this.#eventsOfDevice);
  }

  #vote(log: TraceLog, event: number): void {
    const device = log.device(event);
    count(this.#eventsOfDevice, device);
    const controller = this.#controllerByFlow.get(flowOf(log, event));
    if (controller === undefined) return;
    const votes = this.#votes.get(controller) ?? new Map<string, number>();
    this.#votes.set(controller, votes);
    count(votes, device);
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function most(counts: Map<string, number>): string {
  let best = '';
  for (const [key, n] of counts) if (n > (counts.get(best) ?? 0)) best = key;
  return best;
}
