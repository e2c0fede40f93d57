import { get, join64 } from '../../spec/bits.ts';
import { IdentifyNamespace } from '../../spec/identify.ts';
import { AER_NOTICE_NS_CHANGED, AsyncEventType, LogPage } from '../../spec/log-pages.ts';
import { NSID_ALL, NsManagementCdw10, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { receiveData } from '../data/data-transfer.ts';
import { LBA_FORMATS } from '../media/lba-formats.ts';
import { Namespace } from '../media/namespace.ts';
import type { ControllerState } from '../state/controller-state.ts';
import { namespaceLimit } from './identify-data.ts';

const CREATE = 0;
const DELETE = 1;
const ATTACH = 0;
const PAGE = 4096;
/** The only controller's id, after the count of the list. */
const CONTROLLER_ID = 0;

/** Namespace Management (spec N150, outline): create and delete. A created one waits to be attached. */
export function manageNamespace(c: ControllerState, sqe: Uint32Array): number {
  const select = get(sqe[SqeWord.CDW10], NsManagementCdw10.SEL);
  if (select === CREATE) return create(c, sqe);
  return select === DELETE ? remove(c, sqe[SqeWord.NSID]) : dnr(Status.INVALID_FIELD);
}

function create(c: ControllerState, sqe: Uint32Array): number {
  const page = new Uint8Array(PAGE);
  const status = receiveData(c, sqe, page, PAGE);
  if (status !== 0) return status;
  const view = new DataView(page.buffer);
  const blocks = join64(view.getUint32(IdentifyNamespace.NSZE, true), view.getUint32(IdentifyNamespace.NSZE + 4, true));
  const format = page[IdentifyNamespace.FLBAS] & 15;
  if (format >= LBA_FORMATS.length) return dnr(Status.INVALID_FORMAT);
  const sizeBytes = blocks * 2 ** LBA_FORMATS[format].lbads;
  if (blocks === 0) return dnr(Status.INVALID_FIELD);
  if (sizeBytes > c.unallocatedBytes) return dnr(Status.NS_INSUFFICIENT_CAP);
  const nsid = freeId(c);
  if (nsid === 0) return dnr(Status.NS_ID_UNAVAILABLE);
  c.unallocatedBytes -= sizeBytes;
  c.detached.set(nsid, new Namespace(nsid, { sizeBytes, format }));
  c.result = nsid;
  return Status.SUCCESS;
}

function freeId(c: ControllerState): number {
  for (let nsid = 1; nsid <= namespaceLimit(c); nsid++) {
    if (c.namespaces[nsid - 1] === undefined && !c.detached.has(nsid)) return nsid;
  }
  return 0;
}

function remove(c: ControllerState, nsid: number): number {
  if (nsid === NSID_ALL) {
    const all = [...c.detached.keys(), ...c.namespaces.flatMap((ns) => ns?.nsid ?? [])];
    for (const id of all) remove(c, id);
    return Status.SUCCESS;
  }
  const attached = c.namespaces[nsid - 1];
  const ns = attached ?? c.detached.get(nsid);
  if (ns === undefined) return dnr(Status.INVALID_NS);
  c.unallocatedBytes += ns.media.sizeBytes;
  c.detached.delete(nsid);
  if (attached !== undefined) {
    c.durability.flush(ns);
    c.namespaces[nsid - 1] = undefined;
    tellChanged(c, nsid);
  }
  return Status.SUCCESS;
}

/** Namespace Attachment (spec N150, outline): the controller list has to be this one controller. */
export function attachNamespace(c: ControllerState, sqe: Uint32Array): number {
  const list = new Uint8Array(PAGE);
  const status = receiveData(c, sqe, list, PAGE);
  if (status !== 0) return status;
  const view = new DataView(list.buffer);
  if (view.getUint16(0, true) !== 1 || view.getUint16(2, true) !== CONTROLLER_ID) return dnr(Status.CTRL_LIST_INVALID);
  const nsid = sqe[SqeWord.NSID];
  const attached = c.namespaces[nsid - 1];
  const detached = c.detached.get(nsid);
  if (attached === undefined && detached === undefined) return dnr(Status.INVALID_NS);
  if (get(sqe[SqeWord.CDW10], NsManagementCdw10.SEL) === ATTACH) {
    if (detached === undefined) return dnr(Status.NS_ALREADY_ATTACHED);
    c.detached.delete(nsid);
    c.namespaces[nsid - 1] = detached;
  } else {
    if (attached === undefined) return dnr(Status.NS_NOT_ATTACHED);
    c.namespaces[nsid - 1] = undefined;
    c.detached.set(nsid, attached);
  }
  tellChanged(c, nsid);
  return Status.SUCCESS;
}

/** The changed-namespace list, and the notice for hosts that asked for it (spec N95, N154). */
export function tellChanged(c: ControllerState, nsid: number): void {
  c.changedNamespaces.add(nsid);
  if (c.wantsNamespaceNotices) c.events.raise(AsyncEventType.NOTICE, AER_NOTICE_NS_CHANGED, LogPage.CHANGED_NS);
}
