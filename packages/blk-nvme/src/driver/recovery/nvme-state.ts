/** Where a controller is in its life (spec N68). */
export type NvmeCtrlState = 'NEW' | 'LIVE' | 'RESETTING' | 'CONNECTING' | 'DELETING' | 'DELETING_NOIO' | 'DEAD';

/** From which states each state can be entered. */
const ALLOWED: Readonly<Record<NvmeCtrlState, readonly NvmeCtrlState[]>> = {
  NEW: [],
  LIVE: ['CONNECTING'],
  RESETTING: ['NEW', 'LIVE'],
  CONNECTING: ['NEW', 'RESETTING'],
  DELETING: ['LIVE', 'RESETTING', 'CONNECTING'],
  DELETING_NOIO: ['DELETING', 'DEAD'],
  DEAD: ['DELETING'],
};

export class NvmeState {
  current: NvmeCtrlState = 'NEW';

  /** On its way out: nothing brings it back. */
  get isTerminal(): boolean {
    return this.current === 'DELETING' || this.current === 'DELETING_NOIO' || this.current === 'DEAD';
  }

  /** `nvme_change_ctrl_state`: false, and no change, where the rule forbids it. */
  change(to: NvmeCtrlState): boolean {
    if (!ALLOWED[to].includes(this.current)) return false;
    this.current = to;
    return true;
  }
}
