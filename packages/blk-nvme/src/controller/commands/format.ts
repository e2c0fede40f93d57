import { get } from '../../spec/bits.ts';
import { Cdw0, FormatCdw10, NSID_ALL, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { PROTECTION_BYTES } from '../../spec/t10-dif.ts';
import { LBA_FORMATS } from '../media/lba-formats.ts';
import type { Namespace } from '../media/namespace.ts';
import { STAGE_POST } from '../queues/outstanding-commands.ts';
import type { ControllerState } from '../state/controller-state.ts';
import { NO_COMPLETION } from './no-completion.ts';

/** Format NVM: contents read as zeroes afterwards, in the new shape; until then I/O is refused (spec N150). */
export function formatNvm(c: ControllerState, sqe: Uint32Array): number {
  const cdw10 = sqe[SqeWord.CDW10];
  const nsid = sqe[SqeWord.NSID];
  const format = get(cdw10, FormatCdw10.LBAFL) | (get(cdw10, FormatCdw10.LBAFU) << 4);
  const protection = get(cdw10, FormatCdw10.PI);
  if (nsid !== NSID_ALL && (nsid === 0 || c.namespaces[nsid - 1] === undefined)) return dnr(Status.INVALID_NS);
  if (format >= LBA_FORMATS.length || protection > 3) return dnr(Status.INVALID_FORMAT);
  if (protection !== 0 && LBA_FORMATS[format].metadataBytes < PROTECTION_BYTES) return dnr(Status.INVALID_FORMAT);
  const chosen = c.namespaces.flatMap((ns) => (ns !== undefined && (nsid === NSID_ALL || nsid === ns.nsid) ? ns : []));
  if (chosen.some(({ busyStatus }) => busyStatus !== 0)) return Status.FORMAT_IN_PROGRESS;
  const finish = () => {
    for (const ns of chosen) reformat(c, ns, format, protection, cdw10);
  };
  if (c.config.formatNanos > 0) return formatLater(c, sqe, chosen, finish);
  finish();
  return Status.SUCCESS;
}

/** The command is answered at the end of it, unless a reset has dropped it by then (spec N122). */
function formatLater(c: ControllerState, sqe: Uint32Array, chosen: readonly Namespace[], finish: () => void): number {
  const { generation } = c.memory;
  const words = sqe.slice();
  for (const ns of chosen) ns.busyStatus = Status.FORMAT_IN_PROGRESS;
  c.background.start(c.nowNanos, c.config.formatNanos, () => {
    for (const ns of chosen) ns.busyStatus = 0;
    finish();
    if (c.memory.generation !== generation) return;
    c.outstanding.add(STAGE_POST, 0, words, 0, Status.SUCCESS, 0, get(words[SqeWord.CDW0], Cdw0.CID));
  });
  return NO_COMPLETION;
}

function reformat(c: ControllerState, ns: Namespace, format: number, protection: number, cdw10: number): void {
  c.durability.flush(ns);
  ns.reformat(format, get(cdw10, FormatCdw10.MSET) === 1, protection, get(cdw10, FormatCdw10.PIL) === 1);
}
