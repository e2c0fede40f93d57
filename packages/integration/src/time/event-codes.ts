/** A doorbell arrives: offset, value. */
export const EVENT_DOORBELL = 1;
/** Something in the controller is due. */
export const EVENT_DEVICE = 2;
/** An interrupt message arrives: vector. */
export const EVENT_INTERRUPT = 3;
/** The workload has something to do on a CPU: CPU. */
export const EVENT_WAKE = 4;
/** The kernel's timer tick. */
export const EVENT_TICK = 5;
/** The kernel looks for commands that took too long. */
export const EVENT_WATCHDOG = 6;
/** Completions may be there that no interrupt tells of. */
export const EVENT_POLL = 7;
