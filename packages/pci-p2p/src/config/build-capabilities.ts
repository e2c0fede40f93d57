import * as C from '../spec/capability-ids.ts';
import { PCI_CAPABILITY_LIST, PCI_CFG_SPACE_SIZE, PCI_STATUS, PCI_STATUS_CAP_LIST } from '../spec/header.ts';
import {
  CONVENTIONAL_PCI,
  PCI_EXP_TYPE_DOWNSTREAM,
  PCI_EXP_TYPE_ENDPOINT,
  PCI_EXP_TYPE_ROOT_PORT,
} from '../spec/port-type.ts';
import type { ConfigSpace } from './config-space.ts';
import { type FunctionDescription, type MsixDescription, pendingOffsetOf } from './function-description.ts';

/** Lengths of the capabilities that we lay out, in bytes. */
const PM_LENGTH = 8;
const EXP_LENGTH = 0x3c;
const MSIX_LENGTH = 12;

/** Lays out the standard list from 40 on (spec T7, T8). */
export function addStandardCapabilities(config: ConfigSpace, description: FunctionDescription, device: number): void {
  const portType = description.portType ?? PCI_EXP_TYPE_ENDPOINT;
  const list = new StandardList(config);
  addPowerManagement(config, list.add(C.PCI_CAP_ID_PM, PM_LENGTH));
  if (description.msi !== undefined) addMsi(config, list, description.msi);
  if (portType !== CONVENTIONAL_PCI)
    addExpress(config, list.add(C.PCI_CAP_ID_EXP, EXP_LENGTH), portType, description.portNumber ?? device);
  if (description.msix !== undefined) addMsix(config, list.add(C.PCI_CAP_ID_MSIX, MSIX_LENGTH), description.msix);
  for (const body of description.vendorCapabilities ?? []) {
    const at = list.add(C.PCI_CAP_ID_VNDR, 3 + body.length);
    config.set(at + 2, 1, 3 + body.length);
    config.bytes.set(body, at + 3);
  }
}

/** Lays out the extended list from 100 on (spec T7, T9, T10). */
export function addExtendedCapabilities(config: ConfigSpace, description: FunctionDescription): void {
  const list = new ExtendedList(config);
  const { acs, ats, pasid, pri, sriov } = description;
  if (acs !== undefined) addAcs(config, list, acs.capability);
  if (ats !== undefined) {
    const at = list.add(C.PCI_EXT_CAP_ID_ATS, 8);
    config.set(at + C.PCI_ATS_CAP, 2, ((ats.queueDepth ?? 32) & 0x1f) | (ats.pageAligned === false ? 0 : 0x20));
    config.allowWrites(at + C.PCI_ATS_CTRL, 2, C.PCI_ATS_CTRL_ENABLE | 0x1f);
  }
  if (pri !== undefined) {
    const at = list.add(C.PCI_EXT_CAP_ID_PRI, 16);
    config.allowWrites(at + C.PCI_PRI_CTRL, 2, 0x3);
    config.set(at + C.PCI_PRI_STATUS, 2, 0x100);
    config.set(at + C.PCI_PRI_MAX_REQ, 4, pri.maxRequests);
    config.allowWrites(at + C.PCI_PRI_ALLOC_REQ, 4, 0xffff_ffff);
  }
  if (pasid !== undefined) {
    const at = list.add(C.PCI_EXT_CAP_ID_PASID, 8);
    const flags = (pasid.execute ? 2 : 0) | (pasid.privileged ? 4 : 0);
    config.set(at + C.PCI_PASID_CAP, 2, (pasid.width << 8) | flags);
    config.allowWrites(at + C.PCI_PASID_CTRL, 2, 1 | flags);
  }
  if (sriov !== undefined) addSriov(config, list.add(C.PCI_EXT_CAP_ID_SRIOV, 64), sriov);
}

class StandardList {
  readonly #config: ConfigSpace;
  #next = 0x40;
  #link = PCI_CAPABILITY_LIST;

  constructor(config: ConfigSpace) {
    this.#config = config;
    config.set(PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
  }

  add(id: number, lengthBytes: number): number {
    const at = this.#next;
    this.#config.set(this.#link, 1, at);
    this.#config.set(at, 1, id);
    this.#link = at + 1;
    this.#next = (at + lengthBytes + 3) & ~3;
    return at;
  }
}

class ExtendedList {
  readonly #config: ConfigSpace;
  #next = PCI_CFG_SPACE_SIZE;
  #last = 0;

  constructor(config: ConfigSpace) {
    this.#config = config;
  }

  add(id: number, lengthBytes: number): number {
    const at = this.#next;
    this.#config.set(at, 4, id | (1 << 16));
    if (this.#last !== 0) this.#config.set(this.#last + 2, 2, 1 | (at << 4));
    this.#last = at;
    this.#next = (at + lengthBytes + 3) & ~3;
    return at;
  }
}

function addPowerManagement(config: ConfigSpace, at: number): void {
  config.set(at + 2, 2, 0x3); // version 3 of the interface, no wake-up events
  config.allowWrites(at + 4, 2, 0x3);
}

function addExpress(config: ConfigSpace, at: number, portType: number, portNumber: number): void {
  const slot = portType === PCI_EXP_TYPE_ROOT_PORT || portType === PCI_EXP_TYPE_DOWNSTREAM ? 0x100 : 0;
  config.set(at + C.PCI_EXP_FLAGS, 2, 2 | (portType << 4) | slot);
  config.allowWrites(at + C.PCI_EXP_DEVCTL, 2, 0xffff);
  config.allowClears(at + C.PCI_EXP_DEVSTA, 2, 0xf);
  config.set(at + C.PCI_EXP_LNKCAP + 3, 1, portNumber);
}

function addMsi(config: ConfigSpace, list: StandardList, msi: NonNullable<FunctionDescription['msi']>): void {
  const wide = msi.address64 !== false;
  const at = list.add(C.PCI_CAP_ID_MSI, (wide ? 14 : 10) + (msi.maskable ? 10 : 0));
  config.set(at + C.PCI_MSI_FLAGS, 2, (Math.log2(msi.vectors) << 1) | (wide ? 0x80 : 0) | (msi.maskable ? 0x100 : 0));
  config.allowWrites(at + C.PCI_MSI_FLAGS, 2, 0x71);
  config.allowWrites(at + C.PCI_MSI_ADDRESS, 4, 0xffff_fffc);
  if (wide) config.allowWrites(at + C.PCI_MSI_ADDRESS + 4, 4, 0xffff_ffff);
  const data = at + (wide ? 12 : 8);
  config.allowWrites(data, 2, 0xffff);
  if (msi.maskable) config.allowWrites(data + 4, 4, 0xffff_ffff);
}

function addMsix(config: ConfigSpace, at: number, msix: MsixDescription): void {
  config.set(at + C.PCI_MSIX_FLAGS, 2, msix.vectors - 1);
  config.allowWrites(at + C.PCI_MSIX_FLAGS, 2, C.PCI_MSIX_FLAGS_ENABLE | C.PCI_MSIX_FLAGS_MASKALL);
  config.set(at + C.PCI_MSIX_TABLE, 4, msix.tableOffset | msix.bar);
  config.set(at + C.PCI_MSIX_PBA, 4, pendingOffsetOf(msix) | msix.bar);
}

function addAcs(config: ConfigSpace, list: ExtendedList, capability: number): void {
  const vectorBits = capability & C.PCI_ACS_EC ? (capability >>> 8) & 0xff || 256 : 0;
  const at = list.add(C.PCI_EXT_CAP_ID_ACS, 8 + 4 * Math.ceil(vectorBits / 32));
  config.set(at + C.PCI_ACS_CAP, 2, capability);
  config.allowWrites(at + C.PCI_ACS_CTRL, 2, capability & 0x7f);
  for (let bit = 0; bit < vectorBits; bit += 32) {
    const last = Math.min(32, vectorBits - bit);
    config.allowWrites(at + C.PCI_ACS_EGRESS_CTL_V + bit / 8, 4, 2 ** last - 1);
  }
}

/** SR-IOV: PCIe Base 6.0 §9.3.3; the spec names the capability only (spec T7, T11). */
function addSriov(config: ConfigSpace, at: number, sriov: NonNullable<FunctionDescription['sriov']>): void {
  config.allowWrites(at + 0x08, 2, 0x1f);
  config.set(at + 0x0c, 2, sriov.totalVfs);
  config.set(at + 0x0e, 2, sriov.totalVfs);
  config.allowWrites(at + 0x10, 2, 0xffff);
  config.set(at + 0x14, 2, sriov.firstVfOffset);
  config.set(at + 0x16, 2, sriov.vfStride);
}
