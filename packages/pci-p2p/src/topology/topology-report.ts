import { type AcsOptions, pciEnableAcs } from '../acs/enable-acs.ts';
import { findExtendedCapability } from '../config/capability-walk.ts';
import type { KernelMessage } from '../p2p/kernel-messages.ts';
import {
  PCI_ACS_CR,
  PCI_ACS_CTRL,
  PCI_ACS_RR,
  PCI_ACS_SV,
  PCI_ACS_TB,
  PCI_ACS_UF,
  PCI_EXT_CAP_ID_ACS,
} from '../spec/capability-ids.ts';
import { PCI_EXP_TYPE_RC_EC } from '../spec/port-type.ts';
import { portTypeWord } from './description.ts';
import { type Dump, UNKNOWN } from './dump-function.ts';
import { buildTopology, type DumpNode, type DumpTopology } from './dump-topology.ts';
import { type PairReport, reportPair } from './pair-report.ts';
import { isZenRoot } from './zen.ts';

export interface TopologyOptions {
  /** As if the machine were booted so; absent: ACS as the dump shows it. */
  readonly iommu?: 'on' | 'off';
  /** `pci=disable_acs_redir=LIST` (spec T47). */
  readonly acsRedirOff?: string;
  /** Whether the CPU is an AMD CPU of family 17h or later; absent: by the host bridge. */
  readonly isZen?: boolean;
}

/** One function in a report. */
export interface FunctionReport {
  readonly name: string;
  readonly text: string;
  readonly type: string;
  readonly parent: string | null;
  readonly hostBridge: string;
  readonly acs: string;
  readonly bars: readonly { readonly index: number; readonly address: string; readonly sizeBytes: number }[];
}

export interface TopologyReport {
  readonly functions: readonly FunctionReport[];
  /** Functions that can be one side of a pair, in the order of the matrix. */
  readonly peers: readonly string[];
  readonly pairs: readonly PairReport[];
  readonly isZen: boolean;
  /** What the kernel would print while it sets ACS. */
  readonly messages: readonly KernelMessage[];
  /** What the dump lacks and what was assumed. */
  readonly remarks: readonly string[];
}

/** A report, and the topology that it is about. */
export interface TopologyStudy {
  readonly topology: DumpTopology;
  readonly report: TopologyReport;
}

/** Judges every ordered pair of endpoints in a dump: provider first, client second. */
export function studyTopology(dump: Dump, options: TopologyOptions = {}): TopologyStudy {
  const topology = buildTopology(dump);
  const remarks = [...topology.remarks];
  const messages = applyBoot(topology, options, remarks);
  const isZen = options.isZen ?? topology.roots.some(isZenRoot);
  if (options.isZen === undefined && isZen)
    remarks.push('the host bridge is that of an AMD family 17h or later: its CPU forwards peer requests');
  const peers = topology.nodes.filter(canBePeer);
  const pairs = peers.flatMap((provider) =>
    mayProvide(provider) ? peers.map((client) => reportPair(provider, client, isZen)) : [],
  );
  const functions = topology.nodes.map(reportFunction);
  return { topology, report: { functions, peers: peers.map(({ name }) => name), pairs, isZen, messages, remarks } };
}

/** ACS as the kernel would set it at such a boot, from a firmware that leaves it clear where the kernel would set it. */
function applyBoot(
  topology: DumpTopology,
  { iommu, acsRedirOff }: TopologyOptions,
  remarks: string[],
): KernelMessage[] {
  const messages: KernelMessage[] = [];
  if (iommu === undefined && acsRedirOff === undefined) return messages;
  if (iommu !== undefined)
    remarks.push('ACS as after such a boot: firmware is taken to leave SV, TB, RR, CR and UF clear');
  const options: AcsOptions = {
    requested: iommu === 'on',
    log: (message) => messages.push(message),
    ...(acsRedirOff === undefined ? {} : { disableAcsRedir: acsRedirOff }),
  };
  for (const node of topology.nodes) {
    if (iommu !== undefined) clearAcs(node);
    pciEnableAcs(node, options);
  }
  if (acsRedirOff !== undefined && !messages.some(({ id }) => id === 'L5'))
    remarks.push(`no function with ACS matches "${acsRedirOff}"`);
  return messages;
}

function clearAcs(node: DumpNode): void {
  const at = findExtendedCapability({ read: (offset, width) => node.readConfig(offset, width) }, PCI_EXT_CAP_ID_ACS);
  const kept = ~(PCI_ACS_SV | PCI_ACS_TB | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF);
  if (at !== 0) node.writeConfig(at + PCI_ACS_CTRL, 2, node.acsControl & kept);
}

/** Endpoints; not bridges, host bridges or event collectors. Without a class, a root bus's 00.0 is its host bridge. */
function canBePeer({ dump, parentBridge }: DumpNode): boolean {
  const { buses, classCode, portType, rid } = dump;
  const isHostBridge = classCode === UNKNOWN && parentBridge === null && (rid & 0xff) === 0;
  return buses === null && classCode >>> 8 !== 0x06 && portType !== PCI_EXP_TYPE_RC_EC && !isHostBridge;
}

/** Has memory that it could offer, or the dump cannot tell. */
function mayProvide({ dump }: DumpNode): boolean {
  return dump.bars.length > 0 || !dump.barsKnown;
}

function reportFunction(node: DumpNode): FunctionReport {
  const { dump, name, parentBridge, hostBridge, acsControl } = node;
  return {
    ...{ name, text: dump.text, type: portTypeWord(dump.portType), hostBridge: hostBridge.name },
    parent: parentBridge?.name ?? null,
    acs: dump.acs === null ? (dump.acsKnown ? 'none' : 'unknown') : `0x${acsControl.toString(16).padStart(2, '0')}`,
    bars: dump.bars.map(({ index, address, sizeBytes }) => ({
      index,
      address: `0x${address.toString(16)}`,
      sizeBytes,
    })),
  };
}
