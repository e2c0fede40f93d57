import { EventKind, type TraceLog } from '@dmalab/trace';
import { flowOf } from './execution.ts';

/**
 * Which device a two-step mapping belongs to. Its events name none (spec I160), but NVMe's own events around it name the
 * controller. Which PCI device that is, the boot log says, or the one-step mappings that follow its commands.
 */
export class TwoStepOwner {
  readonly #controllerByFlow = new Map<number, string>();
  readonly #deviceByController: ReadonlyMap<string, string>;
  readonly #votes = new Map<string, Map<string, number>>();
  readonly #eventsOfDevice = new Map<string, number>();

  constructor(log: TraceLog, deviceByController: ReadonlyMap<string, string>) {
    this.#deviceByController = deviceByController;
    /** A command that is set up, and the map events since. */
    const open = new Map<number, { controller: string; maps: number }>();
    for (let event = 0; event < log.length; event++) {
      const kind = log.kind(event);
      const command = open.get(flowOf(log, event));
      if (kind === EventKind.NVME_SETUP_CMD) open.set(flowOf(log, event), { controller: log.device(event), maps: 0 });
      else if (kind === EventKind.MAP && command !== undefined) command.maps++;
      else if (kind === EventKind.DMA_MAP_PHYS) {
        count(this.#eventsOfDevice, log.device(event));
        // The first mapping after the command, and of one piece: it can only be the command's own.
        if (command?.maps === 1) this.#vote(command.controller, log.device(event));
        open.delete(flowOf(log, event));
      }
    }
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
    return this.#deviceByController.get(controller) ?? most(this.#votes.get(controller) ?? this.#eventsOfDevice);
  }

  #vote(controller: string, device: string): void {
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
