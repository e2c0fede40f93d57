import { type Device, dmaPciP2pdmaSupported } from '@dmalab/dma-api';
import { emptyLimits, minNotZero, type QueueLimits } from '../../block/limits/queue-limits.ts';
import { get } from '../../spec/bits.ts';
import { IdentifyNamespace, LbaFormat, ONCS_DSM, ONCS_WRITE_ZEROES, VWC_PRESENT } from '../../spec/identify.ts';
import { Sgls } from '../../spec/sgl.ts';
import { NVME_MAX_META_SEGS, NVME_MAX_SEGS } from '../constants.ts';
import type { ControllerIdentity } from './identify-controller.ts';

const DISCARD_UNLIMITED = 0xffffffff;
const DSM_MAX_RANGES = 256;

/** What Identify CNS 06h adds (spec N61); zeroes where the controller does not answer it. */
export interface NvmCommandSetLimits {
  readonly dmrl: number;
  readonly dmrsl: number;
  readonly wzsl: number;
}

/** A namespace as the driver sees it (spec N61, N152a). */
export interface NamespaceIdentity {
  readonly lbaShift: number;
  readonly metadataBytes: number;
  readonly protection: number;
  /** Metadata is interleaved with the data. */
  readonly extended: boolean;
  /** In 512-byte sectors. */
  readonly capacitySectors: number;
  readonly deallocatesToZero: boolean;
  readonly page: Uint8Array;
}

export function parseNamespace(page: Uint8Array): NamespaceIdentity {
  const view = new DataView(page.buffer, page.byteOffset);
  const flbas = page[IdentifyNamespace.FLBAS];
  const format = (flbas & 15) | ((flbas >> 1) & 0x30);
  const at = IdentifyNamespace.LBAF + format * LbaFormat.BYTES;
  const lbads = view.getUint8(at + LbaFormat.LBADS);
  const isValid = lbads >= 9 && lbads <= 16;
  const blocks = Number(view.getBigUint64(IdentifyNamespace.NSZE, true));
  const dlfeat = page[IdentifyNamespace.DLFEAT];
  return {
    lbaShift: isValid ? lbads : 9,
    metadataBytes: view.getUint16(at + LbaFormat.MS, true),
    protection: page[IdentifyNamespace.DPS] & 7,
    extended: (flbas & 0x10) !== 0,
    capacitySectors: isValid ? blocks * 2 ** (lbads - 9) : 0,
    deallocatesToZero: (dlfeat & 7) === 1 && (dlfeat & 8) !== 0,
    page,
  };
}

/** Limits that hold for every queue of a controller (spec N60, N61). */
export function controllerLimits(maxHwSectors: number, identity: ControllerIdentity, isAdmin: boolean): QueueLimits {
  const lim = emptyLimits();
  lim.maxHwSectors = maxHwSectors;
  lim.maxSegments = Math.min(65535, minNotZero(Math.floor(maxHwSectors / 8) + 1, NVME_MAX_SEGS));
  lim.maxIntegritySegments = get(identity.sgls, Sgls.METADATA) === 1 ? NVME_MAX_META_SEGS : 1;
  lim.virtBoundaryMask = !isAdmin && get(identity.sgls, Sgls.SUPPORT) !== 0 ? 0 : 4095;
  lim.maxSegmentSize = 0xffffffff;
  lim.dmaAlignment = 3;
  return lim;
}

/** Limits of one namespace's queue (spec N61), ready to be validated. */
export function namespaceLimits(
  dev: Device,
  maxHwSectors: number,
  identity: ControllerIdentity,
  nvm: NvmCommandSetLimits,
  ns: NamespaceIdentity,
): QueueLimits {
  const lim = controllerLimits(maxHwSectors, identity, false);
  const lbs = 2 ** ns.lbaShift;
  const view = new DataView(ns.page.buffer, ns.page.byteOffset);
  const u16 = (at: number) => view.getUint16(at, true);
  const nsfeat = ns.page[IdentifyNamespace.NSFEAT];
  const optperf = (nsfeat >> 4) & (identity.version >= 0x00020100 ? 3 : 1);
  const atomic = atomicBytes(nsfeat, u16(IdentifyNamespace.NAWUPF), lbs);
  lim.logicalBlockSize = lbs;
  lim.ioMin = optperf !== 0 ? lbs * (1 + u16(IdentifyNamespace.NPWG)) : lbs;
  lim.physicalBlockSize = Math.min(lim.ioMin, atomic);
  const nows = u16(IdentifyNamespace.NOWS);
  lim.ioOpt = optperf !== 0 && nows !== 0 ? lbs * (1 + nows) : 0;
  const noiob = u16(IdentifyNamespace.NOIOB) * (lbs / 512);
  if (noiob > 0 && Number.isInteger(Math.log2(noiob))) lim.chunkSectors = noiob;
  setDiscard(lim, lbs, optperf, identity, nvm, u16);
  setWriteZeroes(lim, maxHwSectors, identity, nvm, ns);
  setAtomicWrites(lim, atomic, u16(IdentifyNamespace.NABO));
  lim.writeCache = (identity.vwc & VWC_PRESENT) !== 0;
  lim.fua = lim.writeCache;
  lim.pciP2pdma = dmaPciP2pdmaSupported(dev);
  return lim;
}

function atomicBytes(nsfeat: number, nawupf: number, lbs: number): number {
  return (nsfeat & 2) !== 0 && nawupf !== 0 ? lbs * (1 + nawupf) : lbs;
}

function setDiscard(
  lim: QueueLimits,
  lbs: number,
  optperf: number,
  identity: ControllerIdentity,
  nvm: NvmCommandSetLimits,
  u16: (at: number) => number,
): void {
  const hasDsm = (identity.oncs & ONCS_DSM) !== 0;
  if (nvm.dmrsl !== 0) lim.maxHwDiscardSectors = nvm.dmrsl * (lbs / 512);
  else lim.maxHwDiscardSectors = hasDsm ? DISCARD_UNLIMITED : 0;
  lim.maxDiscardSegments = nvm.dmrl !== 0 ? nvm.dmrl : DSM_MAX_RANGES;
  const npdg = (optperf & 1) !== 0 ? 1 + u16(IdentifyNamespace.NPDG) : 1;
  const npda = optperf !== 0 ? 1 + u16(IdentifyNamespace.NPDA) : 1;
  lim.discardGranularity = lbs * Math.max(npdg, npda);
}

function setWriteZeroes(
  lim: QueueLimits,
  maxHwSectors: number,
  identity: ControllerIdentity,
  nvm: NvmCommandSetLimits,
  ns: NamespaceIdentity,
): void {
  if ((identity.oncs & ONCS_WRITE_ZEROES) === 0) return;
  lim.maxWriteZeroesSectors = nvm.wzsl !== 0 ? 2 ** (nvm.wzsl + 3) : maxHwSectors;
  lim.maxHwWzeroesUnmapSectors = ns.deallocatesToZero ? lim.maxWriteZeroesSectors : 0;
}

function setAtomicWrites(lim: QueueLimits, atomic: number, nabo: number): void {
  if (nabo !== 0) return;
  lim.atomicWrites = true;
  lim.atomicWriteHwMax = atomic;
  lim.atomicWriteHwUnitMin = lim.logicalBlockSize;
  lim.atomicWriteHwUnitMax = 2 ** Math.floor(Math.log2(atomic));
}
