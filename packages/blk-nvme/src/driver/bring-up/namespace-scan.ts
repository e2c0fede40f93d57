import { BlockIntegrity } from '../../block/integrity/block-integrity.ts';
import { validateLimits } from '../../block/limits/queue-limits.ts';
import { BlockTrace } from '../../block/queue/block-trace.ts';
import { RequestQueue } from '../../block/queue/request-queue.ts';
import { get } from '../../spec/bits.ts';
import { Cns, IdentifyNamespace, IdentifyNvmController, NsDescriptor } from '../../spec/identify.ts';
import { CAP_CSS_ALL_SETS, CapHigh, CC_CSS_ALL_SETS } from '../../spec/registers.ts';
import type { NvmeDriver } from '../nvme-driver.ts';
import { NvmeNamespace } from '../nvme-namespace.ts';
import {
  type NamespaceIdentity,
  type NvmCommandSetLimits,
  namespaceLimits,
  parseNamespace,
} from './namespace-limits.ts';
import { NVME_QUIRK_BOGUS_NID, NVME_QUIRK_DISABLE_WRITE_ZEROES, NVME_QUIRK_IDENTIFY_CNS } from './quirks.ts';

const PAGE = 4096;
const NO_LIMITS: NvmCommandSetLimits = { dmrl: 0, dmrsl: 0, wzsl: 0 };
/** Block device numbers of NVMe partitions and disks. */
const BLOCK_EXT_MAJOR = 259;

/** Rows 15 to 17 of spec N57: lists the namespaces and makes a disk of each. 0, or a negative errno. */
export function scanNamespaces(driver: NvmeDriver): number {
  const nvm = readNvmLimits(driver);
  const found: NvmeNamespace[] = [];
  for (const nsid of listNamespaces(driver)) {
    const identity = readNamespace(driver, nsid);
    if (identity !== null) found.push(driver.disk(nsid) ?? makeDisk(driver, nsid, identity, nvm));
  }
  driver.namespaces = found;
  return 0;
}

function readNvmLimits(driver: NvmeDriver): NvmCommandSetLimits {
  const { version, isIoController } = driver.identity!;
  const skips = version < 0x00010200 || !isIoController || (driver.quirks & NVME_QUIRK_IDENTIFY_CNS) !== 0;
  if (skips || driver.admin.identify(Cns.CS_CTRL) !== 0) return NO_LIMITS;
  const page = driver.admin.data(PAGE);
  return {
    dmrl: page[IdentifyNvmController.DMRL],
    dmrsl: new DataView(page.buffer).getUint32(IdentifyNvmController.DMRSL, true),
    wzsl: page[IdentifyNvmController.WZSL],
  };
}

/** Active ids by list, a page at a time; before 1.1, or without the list, all up to NN. */
function listNamespaces(driver: NvmeDriver): number[] {
  const { version, namespaceCount } = driver.identity!;
  const ids: number[] = [];
  const noList = version < 0x00010100 || (driver.quirks & NVME_QUIRK_IDENTIFY_CNS) !== 0;
  if (noList) return Array.from({ length: namespaceCount }, (_, i) => i + 1);
  for (let last = 0; ; ) {
    if (driver.admin.identify(Cns.NS_ACTIVE_LIST, last) !== 0) return ids;
    const view = new DataView(driver.admin.data(PAGE).buffer);
    for (let at = 0; at < PAGE; at += 4) {
      const nsid = view.getUint32(at, true);
      if (nsid === 0) return ids;
      ids.push(nsid);
      last = nsid;
    }
  }
}

/** Row 17, in its order; null when the namespace is absent. */
function readNamespace(driver: NvmeDriver, nsid: number): NamespaceIdentity | null {
  if ((driver.quirks & NVME_QUIRK_IDENTIFY_CNS) !== 0) return readPlain(driver, nsid);
  const { admin, identity, registers } = driver;
  const { version } = identity!;
  const allSets = (get(registers.capHigh, CapHigh.CSS) & CAP_CSS_ALL_SETS) !== 0;
  if (version >= 0x00010300 || allSets) {
    if (admin.identify(Cns.NS_DESC_LIST, nsid) !== 0) return null;
    if (allSets && !hasCommandSet(admin.data(PAGE))) {
      driver.log.warn(`command set not reported for nsid: ${nsid} (CC.CSS ${CC_CSS_ALL_SETS})`);
      return null;
    }
  }
  const independent = get(registers.capHigh, CapHigh.CRIMS) === 1 || version >= 0x00020000;
  if (!independent || admin.identify(Cns.NS_CS_INDEP, nsid) > 0) {
    if (admin.identify(Cns.NS, nsid) !== 0 || isAbsent(admin.data(PAGE))) return null;
  }
  const found = readPlain(driver, nsid);
  if (found !== null && version >= 0x00010200) admin.identify(Cns.CS_NS, nsid);
  return found;
}

/** What CNS 00h alone says. */
function readPlain({ admin }: NvmeDriver, nsid: number): NamespaceIdentity | null {
  if (admin.identify(Cns.NS, nsid) !== 0) return null;
  const page = admin.data(PAGE);
  return isAbsent(page) ? null : parseNamespace(page);
}

function isAbsent(page: Uint8Array): boolean {
  return new DataView(page.buffer).getBigUint64(IdentifyNamespace.NCAP, true) === 0n;
}

function hasCommandSet(page: Uint8Array): boolean {
  for (let at = 0; at < PAGE && page[at] !== 0; at += 4 + page[at + 1]) if (page[at] === NsDescriptor.CSI) return true;
  return false;
}

/** Protection information with a checksum, in metadata of its own: what the block layer can make (spec N47). */
function integrityOf(driver: NvmeDriver, identity: NamespaceIdentity): BlockIntegrity | null {
  const { metadataBytes, protection, extended, lbaShift } = identity;
  if (!driver.parameters.blkDevIntegrity || protection === 0 || extended) return null;
  return new BlockIntegrity(driver.context, { blockBytes: 2 ** lbaShift, metadataBytes, type: protection });
}

function makeDisk(
  driver: NvmeDriver,
  nsid: number,
  identity: NamespaceIdentity,
  nvm: NvmCommandSetLimits,
): NvmeNamespace {
  const limits = namespaceLimits(driver.device, driver.maxHwSectors, driver.identity!, nvm, identity);
  if ((driver.quirks & NVME_QUIRK_BOGUS_NID) !== 0) driver.log.info('Ignoring bogus Namespace Identifiers');
  if ((driver.quirks & NVME_QUIRK_DISABLE_WRITE_ZEROES) !== 0) {
    limits.maxWriteZeroesSectors = 0;
    limits.maxHwWzeroesUnmapSectors = 0;
  }
  const invalid = validateLimits(limits) !== 0;
  if (invalid) driver.log.error(`queue limits of nsid ${nsid} do not fit together`);
  const trace = new BlockTrace(driver.context.ring, `${BLOCK_EXT_MAJOR},${driver.namespaces.length}`);
  const queue = new RequestQueue({
    tagSet: driver.ioQueues.tagSet!,
    limits,
    trace,
    integrity: integrityOf(driver, identity),
  });
  const ns = new NvmeNamespace(nsid, `${driver.name}n${nsid}`, identity, queue);
  queue.queuedata = ns;
  return ns;
}
