import type { ControllerState } from '../state/controller-state.ts';

/** INTMS has a bit for each of these vectors. */
const MASKED_VECTORS = 32;

/**
 * The interrupt wire (spec N134): pulled while a completion queue that may interrupt, and is not masked, holds entries
 * that the host has not taken. Its level is settled wherever one of these changes.
 */
export class InterruptWire {
  readonly #c: ControllerState;
  #isAsserted = false;

  constructor(state: ControllerState) {
    this.#c = state;
  }

  settle(): void {
    const level = this.#shouldAssert();
    if (level === this.#isAsserted) return;
    this.#isAsserted = level;
    this.#c.config.port.wire?.(level);
  }

  #shouldAssert(): boolean {
    const { cqs, registers } = this.#c;
    for (let qid = 0; qid <= cqs.last; qid++) {
      if (cqs.size[qid] === 0 || cqs.head[qid] === cqs.tail[qid] || cqs.interruptsEnabled[qid] === 0) continue;
      if (!isMasked(registers.interruptMask, cqs.vector[qid])) return true;
    }
    return false;
  }
}

/** INTMS holds that vector back (spec N120): for the wire and for MSI; a host with MSI-X leaves it alone. */
export function isMasked(interruptMask: number, vector: number): boolean {
  return interruptMask !== 0 && vector < MASKED_VECTORS && (interruptMask & (1 << vector)) !== 0;
}
