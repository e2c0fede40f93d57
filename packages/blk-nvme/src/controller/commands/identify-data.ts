import { CQES_LOG2 } from '../../spec/cqe.ts';
import {
  CTRATT_ELBAS,
  IdentifyController,
  IdentifyIndependent,
  IdentifyNamespace,
  IdentifyNvmController,
  LbaFormat,
  NsDescriptor,
  OACS_DBBUF,
  OACS_DIRECTIVES,
  OACS_FIRMWARE,
  OACS_FORMAT,
  OACS_LBA_STATUS,
  OACS_NS_MGMT,
  OACS_SECURITY,
  OACS_SELF_TEST,
  OAES_FW_ACTIVATION,
  OAES_NS_ATTR,
  ONCS_COMPARE,
  ONCS_COPY,
  ONCS_DSM,
  ONCS_RESERVATIONS,
  ONCS_SAVE_SELECT,
  ONCS_TIMESTAMP,
  ONCS_VERIFY,
  ONCS_WRITE_UNCORRECTABLE,
  ONCS_WRITE_ZEROES,
  RESCAP_ALL_TYPES,
  SANICAP_ALL,
  VWC_BROADCAST_FLUSH,
  VWC_PRESENT,
} from '../../spec/identify.ts';
import { SQES_LOG2 } from '../../spec/sqe.ts';
import { LBA_FORMATS } from '../media/lba-formats.ts';
import type { Namespace } from '../media/namespace.ts';
import { ABORT_LIMIT, ASYNC_EVENT_LIMIT, type ControllerState } from '../state/controller-state.ts';
import { COPY_BLOCKS_MAX, COPY_RANGE_BLOCKS_MAX, COPY_RANGES_MAX } from './copy.ts';
import { FIRMWARE_SLOT_READ_ONLY, FIRMWARE_SLOTS } from './firmware-commands.ts';

/** Red Hat's vendor id and virtio's subsystem id, as QEMU's controller reports (spec N152). */
const VENDOR = 0x1b36;
const SUBSYSTEM_VENDOR = 0x1af4;
/** Largest Dataset Management: 255 ranges, 4194303 blocks a range (spec N152a). */
export const DMRL = 255;
export const DMRSL = 4194303;
/** Largest Verify, log2 of pages (spec N152a). */
export const VSL = 7;
/** Command effects and SMART per namespace are on offer, and extended log data (spec N152). */
const LPA = 7;
const MAX_NAMESPACES = 256;
const SECONDS = 1_000_000;
const MTFA_NANOS = 100e6;
const MINUTE_NANOS = 60e9;

/** Identify CNS 01h into a zeroed page (spec N152). */
export function fillController(c: ControllerState, page: Uint8Array): void {
  const view = new DataView(page.buffer, page.byteOffset);
  const { config } = c;
  const u8 = (at: number, value: number) => view.setUint8(at, value);
  const u16 = (at: number, value: number) => view.setUint16(at, value, true);
  const u32 = (at: number, value: number) => view.setUint32(at, value, true);
  u16(IdentifyController.VID, VENDOR);
  u16(IdentifyController.SSVID, SUBSYSTEM_VENDOR);
  putText(page, IdentifyController.SN, 20, config.serial);
  putText(page, IdentifyController.MN, 40, config.model);
  putText(page, IdentifyController.FR, 8, config.firmware);
  u8(IdentifyController.RAB, 6);
  u8(IdentifyController.MDTS, config.mdts);
  u32(IdentifyController.VER, config.version);
  u32(IdentifyController.RTD3E, 5 * SECONDS);
  u32(IdentifyController.OAES, OAES_NS_ATTR | (config.activationNanos > 0 ? OAES_FW_ACTIVATION : 0));
  u32(IdentifyController.CTRATT, CTRATT_ELBAS);
  u8(IdentifyController.CNTRLTYPE, 1);
  const managed = config.unallocatedBytes > 0 ? OACS_NS_MGMT : 0;
  const shadowed = config.shadowDoorbells ? OACS_DBBUF : 0;
  u16(IdentifyController.OACS, SUPPORTED_OACS | managed | shadowed);
  u8(IdentifyController.ACL, ABORT_LIMIT);
  u8(IdentifyController.AERL, ASYNC_EVENT_LIMIT);
  u8(IdentifyController.FRMW, FIRMWARE_SLOT_READ_ONLY | (FIRMWARE_SLOTS << 1));
  u8(IdentifyController.LPA, LPA);
  u8(IdentifyController.ELPE, c.health.errorLogEntries - 1);
  u16(IdentifyController.WCTEMP, 343);
  u16(IdentifyController.CCTEMP, 373);
  u16(IdentifyController.MTFA, Math.min(Math.ceil(config.activationNanos / MTFA_NANOS), 0xffff));
  u16(IdentifyController.EDSTT, Math.min(Math.ceil(config.selfTestNanos / MINUTE_NANOS), 0xffff));
  u16(IdentifyController.KAS, config.kas);
  u32(IdentifyController.SANICAP, SANICAP_ALL);
  u32(IdentifyController.HMPRE, config.hmpre);
  u32(IdentifyController.HMMIN, config.hmpre > 0 ? 1 : 0);
  u8(IdentifyController.SQES, SQES_LOG2 | (SQES_LOG2 << 4));
  u8(IdentifyController.CQES, CQES_LOG2 | (CQES_LOG2 << 4));
  u32(IdentifyController.NN, Math.max(MAX_NAMESPACES, c.namespaces.length));
  u16(IdentifyController.ONCS, SUPPORTED_ONCS);
  u8(IdentifyController.VWC, VWC_BROADCAST_FLUSH | (config.writeCache ? VWC_PRESENT : 0));
  u16(IdentifyController.AWUN, config.awupf);
  u16(IdentifyController.AWUPF, config.awupf);
  u32(IdentifyController.SGLS, config.sgls);
  putText(page, IdentifyController.SUBNQN, 0, `nqn.2024-01.org.dmalab:${config.serial}\0`);
}

const SUPPORTED_OACS = OACS_SECURITY | OACS_FORMAT | OACS_FIRMWARE | OACS_SELF_TEST | OACS_DIRECTIVES | OACS_LBA_STATUS;

const SUPPORTED_ONCS =
  ONCS_COMPARE |
  ONCS_WRITE_UNCORRECTABLE |
  ONCS_DSM |
  ONCS_WRITE_ZEROES |
  ONCS_SAVE_SELECT |
  ONCS_RESERVATIONS |
  ONCS_TIMESTAMP |
  ONCS_VERIFY |
  ONCS_COPY;

/** Namespace ids go up to this (spec N140): NN of Identify Controller. */
export function namespaceLimit(c: ControllerState): number {
  return Math.max(MAX_NAMESPACES, c.namespaces.length);
}

/** Identify CNS 00h into a zeroed page (spec N152a). */
export function fillNamespace(ns: Namespace, page: Uint8Array): void {
  const view = new DataView(page.buffer, page.byteOffset);
  const size = BigInt(ns.blocks);
  view.setBigUint64(IdentifyNamespace.NSZE, size, true);
  view.setBigUint64(IdentifyNamespace.NCAP, size, true);
  view.setBigUint64(IdentifyNamespace.NUSE, size, true);
  // Bits 5:4 OPTPERF, bit 2 DULBE (spec N152a: 0x34).
  page[IdentifyNamespace.NSFEAT] = 0x34;
  page[IdentifyNamespace.NLBAF] = LBA_FORMATS.length - 1;
  page[IdentifyNamespace.FLBAS] = (ns.format & 15) | (ns.extended ? 0x10 : 0);
  page[IdentifyNamespace.MC] = 3;
  page[IdentifyNamespace.DPC] = 0x1f;
  page[IdentifyNamespace.DPS] = ns.protection | (ns.protectionFirst ? 8 : 0);
  page[IdentifyNamespace.RESCAP] = RESCAP_ALL_TYPES;
  page[IdentifyNamespace.DLFEAT] = 9;
  view.setUint16(IdentifyNamespace.NPDG, 4096 / ns.blockBytes - 1, true);
  view.setUint16(IdentifyNamespace.NPDA, 4096 / ns.blockBytes - 1, true);
  view.setUint16(IdentifyNamespace.MSSRL, COPY_RANGE_BLOCKS_MAX, true);
  view.setUint32(IdentifyNamespace.MCL, COPY_BLOCKS_MAX, true);
  page[IdentifyNamespace.MSRC] = COPY_RANGES_MAX - 1;
  page[IdentifyNamespace.NSATTR] = ns.writeProtected ? 1 : 0;
  for (const [i, { metadataBytes, lbads }] of LBA_FORMATS.entries()) {
    const at = IdentifyNamespace.LBAF + i * LbaFormat.BYTES;
    view.setUint16(at + LbaFormat.MS, metadataBytes, true);
    view.setUint8(at + LbaFormat.LBADS, lbads);
  }
}

/** Identify CNS 03h (spec N151): a UUID made of the id, and the command set. */
export function fillDescriptors(ns: Namespace, page: Uint8Array): void {
  page[0] = NsDescriptor.UUID;
  page[1] = 16;
  page[19] = ns.nsid;
  page[20] = NsDescriptor.CSI;
  page[21] = 1;
}

/** Identify CNS 06h for the NVM command set (spec N152a). */
export function fillNvmController(page: Uint8Array): void {
  page[IdentifyNvmController.VSL] = VSL;
  page[IdentifyNvmController.DMRL] = DMRL;
  new DataView(page.buffer, page.byteOffset).setUint32(IdentifyNvmController.DMRSL, DMRSL, true);
}

/** Identify CNS 08h (spec N152a); NSTAT 1 says ready. */
export function fillIndependent(ns: Namespace, page: Uint8Array): void {
  page[IdentifyIndependent.NSATTR] = ns.writeProtected ? 1 : 0;
  page[IdentifyIndependent.NSTAT] = 1;
}

/** ASCII, padded with spaces to `width`. */
function putText(page: Uint8Array, at: number, width: number, text: string): void {
  const padded = text.padEnd(width, ' ');
  for (let i = 0; i < padded.length; i++) page[at + i] = padded.charCodeAt(i);
}
