import { get } from '../../spec/bits.ts';
import { Cns, IDENTIFY_BYTES } from '../../spec/identify.ts';
import { IdentifyCdw10, IdentifyCdw11, NSID_ALL, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { sendData } from '../data/data-transfer.ts';
import type { Namespace } from '../media/namespace.ts';
import type { ControllerState } from '../state/controller-state.ts';
import {
  fillController,
  fillDescriptors,
  fillIndependent,
  fillNamespace,
  fillNvmController,
  namespaceLimit,
} from './identify-data.ts';

const CSI_NVM = 0;
/** The highest namespace id that a list may start from. */
const LIST_START_MAX = 0xfffffffd;

/** Identify (spec N151). */
export function identify(c: ControllerState, sqe: Uint32Array): number {
  const page = c.stagingOf(IDENTIFY_BYTES);
  page.fill(0, 0, IDENTIFY_BYTES);
  const status = fill(c, sqe, page);
  return status !== Status.SUCCESS ? status : sendData(c, sqe, page, 0, IDENTIFY_BYTES);
}

function fill(c: ControllerState, sqe: Uint32Array, page: Uint8Array): number {
  const nsid = sqe[SqeWord.NSID];
  const isNvm = get(sqe[SqeWord.CDW11], IdentifyCdw11.CSI) === CSI_NVM;
  switch (get(sqe[SqeWord.CDW10], IdentifyCdw10.CNS)) {
    case Cns.CTRL:
      fillController(c, page);
      return Status.SUCCESS;
    case Cns.NS:
    case Cns.NS_PRESENT:
      return perNamespace(c, nsid, page, fillNamespace);
    case Cns.NS_ACTIVE_LIST:
    case Cns.NS_PRESENT_LIST:
      return fillList(c, nsid, page);
    case Cns.NS_DESC_LIST:
      return activeNamespace(c, nsid, page, fillDescriptors);
    case Cns.CS_NS:
      return isNvm ? perNamespace(c, nsid, page, nothingToAdd) : dnr(Status.INVALID_FIELD);
    case Cns.CS_CTRL:
      if (isNvm) fillNvmController(page);
      return isNvm ? Status.SUCCESS : dnr(Status.INVALID_FIELD);
    case Cns.CS_NS_ACTIVE_LIST:
      return isNvm ? fillList(c, nsid, page) : dnr(Status.INVALID_FIELD);
    case Cns.NS_CS_INDEP:
      return perNamespace(c, nsid, page, fillIndependent);
    case Cns.CTRL_NS_LIST:
    case Cns.CTRL_LIST:
      // One controller, id 0: count 1, then its id.
      page[0] = 1;
      return Status.SUCCESS;
    case Cns.CS_LIST:
      // Combination 0: the NVM command set.
      page[0] = 1;
      return Status.SUCCESS;
    default:
      return dnr(Status.INVALID_FIELD);
  }
}

/** CNS 05h: storage tags and extended formats are not offered, so the page stays zero. */
function nothingToAdd(): void {}

/** An id without a namespace yields zeroes (spec N151); one that can have none is refused. */
function perNamespace(
  c: ControllerState,
  nsid: number,
  page: Uint8Array,
  write: (ns: Namespace, page: Uint8Array) => void,
): number {
  if (nsid === 0 || nsid > namespaceLimit(c)) return dnr(Status.INVALID_NS);
  const ns = c.namespaces[nsid - 1];
  if (ns !== undefined) write(ns, page);
  return Status.SUCCESS;
}

function activeNamespace(
  c: ControllerState,
  nsid: number,
  page: Uint8Array,
  write: (ns: Namespace, page: Uint8Array) => void,
): number {
  if (nsid === 0 || nsid === NSID_ALL || c.namespaces[nsid - 1] === undefined) return dnr(Status.INVALID_NS);
  write(c.namespaces[nsid - 1]!, page);
  return Status.SUCCESS;
}

/** Ids above `after`, ascending, as many as the page holds (spec N151). */
function fillList(c: ControllerState, after: number, page: Uint8Array): number {
  if (after > LIST_START_MAX) return dnr(Status.INVALID_NS);
  const view = new DataView(page.buffer, page.byteOffset);
  let at = 0;
  for (let nsid = after + 1; nsid <= c.namespaces.length && at < IDENTIFY_BYTES; nsid++) {
    if (c.namespaces[nsid - 1] === undefined) continue;
    view.setUint32(at, nsid, true);
    at += 4;
  }
  return Status.SUCCESS;
}
