import { get } from '../../spec/bits.ts';
import { FEATURE_DATA_BYTES, Feature, FeatureSelect } from '../../spec/features.ts';
import { GetFeaturesCdw10, NSID_ALL, SetFeaturesCdw10, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import { receiveData, sendData } from '../data/data-transfer.ts';
import { WRITE_PROTECT_PERMANENT, WRITE_PROTECT_POWER_CYCLE } from '../media/namespace.ts';
import type { ControllerState } from '../state/controller-state.ts';
import { namespaceLimit } from './identify-data.ts';

/** Answers to SEL 3 (spec N153). */
const CAPABILITY_NAMESPACE = 1 << 1;
const CAPABILITY_CHANGEABLE = 1 << 2;
const DULBE = 1 << 16;
const NANOS_PER_MILLI = 1e6;

/** The features there are, and whether each belongs to a namespace. All can be set, none is saved. */
const FEATURES: Readonly<Record<number, { readonly perNamespace: boolean }>> = {
  [Feature.ARBITRATION]: { perNamespace: false },
  [Feature.POWER_MGMT]: { perNamespace: false },
  [Feature.TEMP_THRESH]: { perNamespace: false },
  [Feature.ERR_RECOVERY]: { perNamespace: true },
  [Feature.VOLATILE_WC]: { perNamespace: false },
  [Feature.NUM_QUEUES]: { perNamespace: false },
  [Feature.IRQ_COALESCE]: { perNamespace: false },
  [Feature.IRQ_CONFIG]: { perNamespace: false },
  [Feature.WRITE_ATOMIC]: { perNamespace: false },
  [Feature.ASYNC_EVENT]: { perNamespace: false },
  [Feature.AUTO_PST]: { perNamespace: false },
  [Feature.HOST_MEM_BUF]: { perNamespace: false },
  [Feature.TIMESTAMP]: { perNamespace: false },
  [Feature.KATO]: { perNamespace: false },
  [Feature.HOST_BEHAVIOR]: { perNamespace: false },
  [Feature.HOST_ID]: { perNamespace: false },
  [Feature.WRITE_PROTECT]: { perNamespace: true },
};

/** Set Features (spec N153). */
export function setFeatures(c: ControllerState, sqe: Uint32Array): number {
  const fid = get(sqe[SqeWord.CDW10], SetFeaturesCdw10.FID);
  const feature = FEATURES[fid];
  if (feature === undefined) return dnr(Status.INVALID_FIELD);
  if (get(sqe[SqeWord.CDW10], SetFeaturesCdw10.SV) === 1) return dnr(Status.FEATURE_NOT_SAVEABLE);
  const scope = checkScope(c, sqe[SqeWord.NSID], feature.perNamespace);
  if (scope !== 0) return scope;
  return feature.perNamespace ? setNamespaceFeature(c, sqe, fid) : setControllerFeature(c, sqe, fid);
}

function checkScope(c: ControllerState, nsid: number, perNamespace: boolean): number {
  if (nsid === 0 || nsid === NSID_ALL) return perNamespace && nsid === 0 ? dnr(Status.INVALID_NS) : 0;
  if (nsid > namespaceLimit(c) || c.namespaces[nsid - 1] === undefined) return dnr(Status.INVALID_NS);
  return perNamespace ? 0 : dnr(Status.FEATURE_NOT_PER_NS);
}

function setNamespaceFeature(c: ControllerState, sqe: Uint32Array, fid: number): number {
  const nsid = sqe[SqeWord.NSID];
  const cdw11 = sqe[SqeWord.CDW11];
  const chosen = c.namespaces.filter((ns) => ns !== undefined && (nsid === NSID_ALL || nsid === ns.nsid));
  if (fid === Feature.WRITE_PROTECT) {
    if ((cdw11 & 7) > WRITE_PROTECT_PERMANENT) return dnr(Status.INVALID_FIELD);
    // Protection until a power cycle, or for good, is no longer the host's to change (NVMe Base 2.0c, feature 84h).
    if (chosen.some((ns) => ns!.writeProtection >= WRITE_PROTECT_POWER_CYCLE))
      return dnr(Status.FEATURE_NOT_CHANGEABLE);
  }
  for (const ns of chosen) {
    if (fid === Feature.ERR_RECOVERY) ns!.deallocatedError = (cdw11 & DULBE) !== 0;
    else ns!.writeProtection = cdw11 & 7;
  }
  return Status.SUCCESS;
}

function setControllerFeature(c: ControllerState, sqe: Uint32Array, fid: number): number {
  const cdw11 = sqe[SqeWord.CDW11];
  if (fid === Feature.NUM_QUEUES) return setQueueCount(c, cdw11);
  if (fid === Feature.IRQ_CONFIG && (cdw11 & 0xffff) >= c.config.vectors) return dnr(Status.INVALID_FIELD);
  if (fid === Feature.KATO && cdw11 !== 0 && c.config.kas === 0) return dnr(Status.KA_TIMEOUT_INVALID);
  const dataBytes = FEATURE_DATA_BYTES[fid] ?? 0;
  if (dataBytes > 0) {
    const status = receiveData(c, sqe, c.stagingOf(dataBytes), dataBytes);
    if (status !== 0) return status;
    c.features.data(fid).set(c.staging.subarray(0, dataBytes));
  }
  if (fid === Feature.TIMESTAMP) {
    const view = new DataView(c.staging.buffer);
    c.features.timestampMillis = view.getUint32(0, true) + view.getUint16(4, true) * 2 ** 32;
    c.features.timestampSetNanos = c.nowNanos;
  }
  // Turning the cache off empties it (spec N153).
  if (fid === Feature.VOLATILE_WC && (cdw11 & 1) === 0) c.durability.flush();
  c.features.set(fid, fid === Feature.IRQ_CONFIG ? vectorConfig(c, cdw11) : cdw11);
  if (fid === Feature.KATO) c.restartKeepAlive();
  return Status.SUCCESS;
}

/** Vector config is one value a vector; bit v of the kept word says that vector v does not coalesce. */
function vectorConfig(c: ControllerState, cdw11: number): number {
  const vector = cdw11 & 0xffff;
  const kept = c.features.get(Feature.IRQ_CONFIG);
  if (vector >= VECTOR_BITS) return kept;
  return (cdw11 & (1 << 16)) !== 0 ? kept | (1 << vector) : kept & ~(1 << vector);
}

/** Vectors whose coalescing can be switched off one by one; the others always coalesce. */
const VECTOR_BITS = 31;

function setQueueCount(c: ControllerState, cdw11: number): number {
  if ((cdw11 & 0xffff) === 0xffff || cdw11 >>> 16 === 0xffff) return dnr(Status.INVALID_FIELD);
  for (let qid = 1; qid < c.cqs.count; qid++) {
    if (c.cqs.exists(qid) || c.sqs.exists(qid)) return dnr(Status.CMD_SEQ_ERROR);
  }
  c.result = c.features.get(Feature.NUM_QUEUES);
  return Status.SUCCESS;
}

/** Get Features (spec N153). */
export function getFeatures(c: ControllerState, sqe: Uint32Array): number {
  const fid = get(sqe[SqeWord.CDW10], GetFeaturesCdw10.FID);
  const select = get(sqe[SqeWord.CDW10], GetFeaturesCdw10.SEL);
  const feature = FEATURES[fid];
  if (feature === undefined || select > FeatureSelect.CAPABILITIES) return dnr(Status.INVALID_FIELD);
  const nsid = sqe[SqeWord.NSID];
  if (select === FeatureSelect.CAPABILITIES) {
    c.result = CAPABILITY_CHANGEABLE | (feature.perNamespace ? CAPABILITY_NAMESPACE : 0);
    return Status.SUCCESS;
  }
  if (feature.perNamespace) return getNamespaceFeature(c, nsid, fid, select);
  if (select !== FeatureSelect.CURRENT) {
    c.result = c.features.getDefault(fid);
    return Status.SUCCESS;
  }
  c.result = fid === Feature.IRQ_CONFIG ? readVectorConfig(c, sqe[SqeWord.CDW11]) : c.features.get(fid);
  return sendFeatureData(c, sqe, fid);
}

function readVectorConfig(c: ControllerState, cdw11: number): number {
  const vector = cdw11 & 0xffff;
  const off = vector < VECTOR_BITS && (c.features.get(Feature.IRQ_CONFIG) & (1 << vector)) !== 0;
  return vector | (off ? 1 << 16 : 0);
}

function getNamespaceFeature(c: ControllerState, nsid: number, fid: number, select: number): number {
  const ns = nsid === 0 ? undefined : c.namespaces[nsid - 1];
  if (ns === undefined) return dnr(Status.INVALID_NS);
  const current = fid === Feature.ERR_RECOVERY ? (ns.deallocatedError ? DULBE : 0) : ns.writeProtection;
  c.result = select === FeatureSelect.CURRENT ? current : 0;
  return Status.SUCCESS;
}

function sendFeatureData(c: ControllerState, sqe: Uint32Array, fid: number): number {
  const dataBytes = FEATURE_DATA_BYTES[fid] ?? 0;
  if (dataBytes === 0) return Status.SUCCESS;
  const bytes = c.features.data(fid);
  if (fid === Feature.TIMESTAMP) {
    const elapsed = Math.floor((c.nowNanos - c.features.timestampSetNanos) / NANOS_PER_MILLI);
    const millis = c.features.timestampMillis + elapsed;
    const view = new DataView(bytes.buffer);
    view.setUint32(0, millis % 2 ** 32, true);
    view.setUint16(4, Math.floor(millis / 2 ** 32), true);
    // Origin 1: set by the host; nothing was set since the last reset: 0.
    bytes[6] = c.features.timestampMillis === 0 ? 0 : 1 << 1;
  }
  return sendData(c, sqe, bytes, 0, dataBytes);
}
