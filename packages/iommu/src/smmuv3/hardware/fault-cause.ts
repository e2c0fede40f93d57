import { EventClass } from '../../spec/smmuv3-events.ts';

/** What a failed translation says beside its event id (spec H71). Reused: {@link reset} before each translation. */
export class FaultCause {
  /** The second stage refused. */
  stage2 = false;
  /** What was being translated or fetched. */
  eventClass: number = EventClass.INPUT;
  /** Page that the second stage was asked for. */
  ipa = 0;
  /** Address of a fetch that memory did not answer. */
  fetchAddress = 0;

  reset(): void {
    this.stage2 = false;
    this.eventClass = EventClass.INPUT;
    this.ipa = 0;
    this.fetchAddress = 0;
  }
}
