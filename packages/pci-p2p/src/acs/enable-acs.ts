import { findExtendedCapability } from '../config/capability-walk.ts';
import { ACS_REDIRECTS } from '../p2p/distance.ts';
import { logConfiguredAcs, type MessageSink } from '../p2p/kernel-messages.ts';
import {
  PCI_ACS_CAP,
  PCI_ACS_CR,
  PCI_ACS_CTRL,
  PCI_ACS_RR,
  PCI_ACS_SV,
  PCI_ACS_TB,
  PCI_ACS_UF,
  PCI_EXT_CAP_ID_ACS,
} from '../spec/capability-ids.ts';
import type { AcsNode } from './acs-node.ts';
import { ENTRY_MALFORMED, ENTRY_MATCHES, listEntries, matchEntry } from './function-list.ts';

/** What decides about ACS beside the function itself. */
export interface AcsOptions {
  /** An IOMMU driver asked for ACS: an IOMMU was found and is enabled (spec T45). */
  readonly requested: boolean;
  /** ATS is disabled on the command line: translation blocking is added (spec T45). */
  readonly atsDisabled?: boolean;
  /** The function is external facing or untrusted: translation blocking is added (spec T45). */
  readonly isUntrusted?: (node: AcsNode) => boolean;
  /** `pci=disable_acs_redir=LIST` (spec T46). */
  readonly disableAcsRedir?: string;
  /** `pci=config_acs=LIST` (spec T48). */
  readonly configAcs?: string;
  readonly log?: MessageSink;
}

/** Bits that `config_acs` may touch (spec T48). */
const CONFIGURABLE = 0x7f;

/**
 * `pci_enable_acs`: sets the ACS control word of one function, when it is first configured for DMA and after each reset
 * (spec T45). The command line starts from the firmware's word, not from what was just decided, so that a function that
 * it names loses SV and UF too (spec T46, T94). Device-specific quirks are not modelled.
 */
export function pciEnableAcs(node: AcsNode, options: AcsOptions): void {
  const at = findExtendedCapability({ read: (offset, width) => node.readConfig(offset, width) }, PCI_EXT_CAP_ID_ACS);
  if (at === 0) return;
  const log = options.log ?? (() => {});
  const capability = node.readConfig(at + PCI_ACS_CAP, 2);
  const firmware = node.readConfig(at + PCI_ACS_CTRL, 2);
  let control = firmware | (options.requested ? capability & wantedBits(node, options) : 0);
  if (options.disableAcsRedir !== undefined && listNames(options.disableAcsRedir, node, log)) {
    control = firmware & ~ACS_REDIRECTS;
    logConfiguredAcs(log, node.name, control);
  }
  const configured = options.configAcs === undefined ? null : findConfigured(options.configAcs, node, log);
  if (configured !== null) {
    control = (firmware & ~configured.mask) | (configured.value & configured.mask);
    logConfiguredAcs(log, node.name, control);
  }
  node.writeConfig(at + PCI_ACS_CTRL, 2, control);
}

function wantedBits(node: AcsNode, { atsDisabled, isUntrusted }: AcsOptions): number {
  const blocking = atsDisabled === true || isUntrusted?.(node) === true;
  return PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF | (blocking ? PCI_ACS_TB : 0);
}

function listNames(list: string, node: AcsNode, log: MessageSink): boolean {
  for (const entry of listEntries(list)) {
    const match = matchEntry(entry, node);
    if (match === ENTRY_MATCHES) return true;
    if (match === ENTRY_MALFORMED) {
      logCannotParse(log, 'warn', 'disable_acs_redir', entry);
      return false;
    }
  }
  return false;
}

interface AcsBits {
  /** Bits to force, and to what. */
  readonly mask: number;
  readonly value: number;
}

function findConfigured(list: string, node: AcsNode, log: MessageSink): AcsBits | null {
  for (const entry of listEntries(list)) {
    const at = entry.indexOf('@');
    const bits = at < 0 ? null : parseBits(entry.slice(0, at));
    if (bits === null || bits.mask & ~CONFIGURABLE) {
      logCannotParse(log, 'err', 'config_acs', entry);
      return null;
    }
    const match = matchEntry(entry.slice(at + 1), node);
    if (match === ENTRY_MATCHES) return bits;
    if (match === ENTRY_MALFORMED) {
      logCannotParse(log, 'warn', 'config_acs', entry);
      return null;
    }
  }
  return null;
}

/** Most significant first: 0 and 1 force a bit, x leaves it (spec T48). */
function parseBits(text: string): AcsBits | null {
  if (!/^[01x]+$/.test(text) || text.length > 16) return null;
  let mask = 0;
  let value = 0;
  for (const character of text) {
    mask = (mask << 1) | (character === 'x' ? 0 : 1);
    value = (value << 1) | (character === '1' ? 1 : 0);
  }
  return { mask, value };
}

/** spec gap: T47 and T48 ask for one line and leave its words open. */
function logCannotParse(log: MessageSink, level: 'warn' | 'err', parameter: string, entry: string): void {
  log({ id: 'T47', level, device: null, text: `PCI: Can't parse ${parameter} parameter: ${entry}` });
}
