/** Indices into the counters of the link below a bridge; the words are the spec's (T13 to T17). */
export const LINK_UP_REQUESTS = 0;
export const LINK_UP_BYTES = 1;
export const LINK_DOWN_REQUESTS = 2;
export const LINK_DOWN_BYTES = 3;
/** Requests that matched a peer but were sent upstream all the same (spec T16b, T16d). */
export const LINK_REDIRECTED = 4;
/** Requests dropped at this port by ACS (spec T16, T17). */
export const LINK_ACS_VIOLATIONS = 5;
/** Peer completions that CR sends through the root complex (spec T18). */
export const LINK_COMPLETIONS_REDIRECTED = 6;
const COUNTERS = 7;

/** Indices into the counters of a host bridge: what its root complex did with requests from below (spec T20). */
export const ROOT_TO_MEMORY = 0;
/** Requests for a function's MMIO, forwarded or refused. */
export const ROOT_TO_FUNCTIONS = 1;
export const ROOT_INTERRUPTS = 2;
/** Requests that the IOMMU judged. */
export const ROOT_TRANSLATED = 3;
export const ROOT_FAULTS = 4;

/** A snapshot of one link's counters. */
export interface LinkCounters {
  readonly upRequests: number;
  readonly upBytes: number;
  readonly downRequests: number;
  readonly downBytes: number;
  readonly redirected: number;
  readonly acsViolations: number;
  readonly completionsRedirected: number;
}

/** Doubles: a counter that outgrew 31 bits in a plain field would change its representation under the hot path. */
export function newLinkCounters(): Float64Array {
  return new Float64Array(COUNTERS);
}

export function linkCounters(counters: Float64Array): LinkCounters {
  return {
    upRequests: counters[LINK_UP_REQUESTS],
    upBytes: counters[LINK_UP_BYTES],
    downRequests: counters[LINK_DOWN_REQUESTS],
    downBytes: counters[LINK_DOWN_BYTES],
    redirected: counters[LINK_REDIRECTED],
    acsViolations: counters[LINK_ACS_VIOLATIONS],
    completionsRedirected: counters[LINK_COMPLETIONS_REDIRECTED],
  };
}

/** A snapshot of one host bridge's counters. */
export interface RootCounters {
  readonly toMemory: number;
  readonly toFunctions: number;
  readonly interrupts: number;
  readonly translated: number;
  readonly faults: number;
}

export function rootCounters(counters: Float64Array): RootCounters {
  return {
    toMemory: counters[ROOT_TO_MEMORY],
    toFunctions: counters[ROOT_TO_FUNCTIONS],
    interrupts: counters[ROOT_INTERRUPTS],
    translated: counters[ROOT_TRANSLATED],
    faults: counters[ROOT_FAULTS],
  };
}
