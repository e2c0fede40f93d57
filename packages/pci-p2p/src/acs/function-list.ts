import { requesterId } from '../fabric/address.ts';
import {
  PCI_HEADER_TYPE,
  PCI_HEADER_TYPE_MASK,
  PCI_HEADER_TYPE_NORMAL,
  PCI_SUBSYSTEM_ID,
  PCI_SUBSYSTEM_VENDOR_ID,
} from '../spec/header.ts';
import type { AcsNode } from './acs-node.ts';

const PATH = /^(?:([0-9a-f]+):)?([0-9a-f]+):([0-9a-f]+)\.([0-7])((?:\/[0-9a-f]+\.[0-7])*)$/i;
const IDS = /^pci:([0-9a-f]+):([0-9a-f]+)(?::([0-9a-f]+):([0-9a-f]+))?$/i;

/** What one entry of a list says about a function. */
export const ENTRY_MALFORMED = -1;
export const ENTRY_OTHER = 0;
export const ENTRY_MATCHES = 1;

/** Splits a list of the kernel's command line: `;` separates entries, `,` ends the option (spec T47). */
export function listEntries(list: string): string[] {
  return list
    .split(',')[0]
    .split(';')
    .filter((entry) => entry !== '');
}

/** Compares one entry, a path of devfns from some bus or `pci:` ids, with a function (spec T47). */
export function matchEntry(entry: string, node: AcsNode): number {
  const ids = IDS.exec(entry);
  if (ids !== null) return matchesIds(ids, node) ? ENTRY_MATCHES : ENTRY_OTHER;
  const path = PATH.exec(entry);
  if (path === null) return ENTRY_MALFORMED;
  return matchesPath(path, node) ? ENTRY_MATCHES : ENTRY_OTHER;
}

function matchesIds([, ...cells]: RegExpExecArray, node: AcsNode): boolean {
  const isEndpoint = (node.readConfig(PCI_HEADER_TYPE, 1) & PCI_HEADER_TYPE_MASK) === PCI_HEADER_TYPE_NORMAL;
  const subsystem = (offset: number) => (isEndpoint ? node.readConfig(offset, 2) : 0);
  const actual = [node.vendor, node.device, subsystem(PCI_SUBSYSTEM_VENDOR_ID), subsystem(PCI_SUBSYSTEM_ID)];
  return cells.every((cell, i) => {
    const wanted = cell === undefined ? 0 : Number.parseInt(cell, 16);
    return wanted === 0 || wanted === actual[i]; // 0 is any
  });
}

/** The last step is the function itself, each earlier one the bridge above; the head names a bus as well. */
function matchesPath([, domain = '0', bus, device, fn, rest]: RegExpExecArray, node: AcsNode): boolean {
  const steps = rest.split('/').slice(1).reverse();
  let at: AcsNode | null = node;
  for (const step of steps) {
    const [stepDevice, stepFunction] = step.split('.');
    if (at === null || (at.rid & 0xff) !== devfnOf(stepDevice, stepFunction)) return false;
    at = at.parentBridge;
  }
  if (at === null || at.domain !== Number.parseInt(domain, 16)) return false;
  return at.rid === requesterId(Number.parseInt(bus, 16), devfnOf(device, fn));
}

function devfnOf(device: string, fn: string): number {
  return (Number.parseInt(device, 16) << 3) | Number(fn);
}
