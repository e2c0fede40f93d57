import { parseFunctionName } from '../fabric/address.ts';
import * as C from '../spec/capability-ids.ts';
import * as T from '../spec/port-type.ts';
import { TopologyInputError } from './dump-error.ts';
import { type Dump, type DumpFunction, emptyFunction, UNKNOWN } from './dump-function.ts';
import { readConfigBytes } from './lspci-config.ts';

/** A function's first line; `-P` puts the bridges above it before its name. */
const HEAD = /^(?:[0-9a-f:.]+\/)*((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7]) (.*)$/i;
const HEX_LINE = /^([0-9a-f]{2,3}): ((?:[0-9a-f]{2} ?)+)$/i;

/** A memory BAR; `-v` leaves the region's number out. */
const REGION =
  /^(?:Region (?<index>\d): )?(?:\[virtual\] )?Memory at (?<address>[0-9a-f]+) \((?<width>64|32)-bit, (?<non>non-)?prefetchable\)(?:.*\[size=(?<size>\d+)(?<unit>[KMGT])?\])?/;

/** ACS bits by lspci's names. */
const ACS_NAMES: Readonly<Record<string, number>> = {
  SrcValid: C.PCI_ACS_SV,
  TransBlk: C.PCI_ACS_TB,
  ReqRedir: C.PCI_ACS_RR,
  CmpltRedir: C.PCI_ACS_CR,
  UpstreamFwd: C.PCI_ACS_UF,
  EgressCtrl: C.PCI_ACS_EC,
  DirectTrans: C.PCI_ACS_DT,
};

const ACS_LINE = new RegExp(`^(?:ACSCap:|ACSCtl:|(?:${Object.keys(ACS_NAMES).join('|')})[+-])`);

/** Port types by lspci's names, longest first where one begins another. */
const PORT_NAMES: readonly (readonly [name: string, type: number])[] = [
  ['Root Complex Integrated Endpoint', T.PCI_EXP_TYPE_RC_END],
  ['Root Complex Event Collector', T.PCI_EXP_TYPE_RC_EC],
  ['PCI-Express to PCI/PCI-X Bridge', T.PCI_EXP_TYPE_PCI_BRIDGE],
  ['PCI/PCI-X to PCI-Express Bridge', T.PCI_EXP_TYPE_PCIE_BRIDGE],
  ['Legacy Endpoint', T.PCI_EXP_TYPE_LEG_END],
  ['Endpoint', T.PCI_EXP_TYPE_ENDPOINT],
  ['Root Port', T.PCI_EXP_TYPE_ROOT_PORT],
  ['Upstream Port', T.PCI_EXP_TYPE_UPSTREAM],
  ['Downstream Port', T.PCI_EXP_TYPE_DOWNSTREAM],
];

/**
 * Reads `lspci` with any of `-v`, `-vv`, `-vvv`, `-n`, `-nn`, `-D`, `-x`, `-xxx`, `-xxxx`. Lines that it does not need
 * are passed over; bytes of config space win over their rendering.
 * @throws {TopologyInputError} when no line begins a function
 */
export function readLspciText(text: string): Dump {
  const reader = new BlockReader();
  const lines = text.split(/\r?\n/).map((line) => line.replace(/^(?:> ?)+/, '')); // quoted in a mail
  const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  for (const [i, line] of lines.entries()) reader.line(line.slice(indent), i + 1);
  return reader.finish();
}

class BlockReader {
  readonly #functions: DumpFunction[] = [];
  readonly #remarks: string[] = [];
  readonly #bytes = new Uint8Array(4096);
  #length = 0;
  #current: DumpFunction | null = null;
  #inVirtual = false;
  /** An ACS capability was named whose words have not come yet: `-v` leaves them out. */
  #owesAcs = false;
  #inControl = false;

  line(line: string, number: number): void {
    const head = HEAD.exec(line);
    if (head !== null) this.#begin(head[1], head[2]);
    else if (this.#current === null) {
      if (line.trim() !== '') this.#remarks.push(`line ${number} is before the first function and was passed over`);
    } else if (/^[0-9a-f]{2,3}:/i.test(line)) this.#hex(line, number);
    else this.#detail(this.#current, line.trim());
  }

  finish(): Dump {
    this.#end();
    if (this.#functions.length === 0)
      throw new TopologyInputError(0, 'no function found: expected lines like "00:1f.2 SATA controller: ..."');
    return { functions: this.#functions, remarks: this.#remarks };
  }

  #begin(name: string, text: string): void {
    this.#end();
    const { domain, rid } = parseFunctionName(name);
    this.#current = emptyFunction(domain, rid, text);
    this.#inVirtual = false;
    this.#owesAcs = false;
    readHeadline(this.#current, text);
    this.#functions.push(this.#current);
  }

  #end(): void {
    if (this.#current !== null && this.#owesAcs) this.#current.acsKnown = false;
    if (this.#current !== null && this.#length > 0) readConfigBytes(this.#current, this.#bytes.slice(0, this.#length));
    this.#length = 0;
  }

  /** Bytes count only as far as they are contiguous from 0: a torn line ends them. */
  #hex(line: string, number: number): void {
    const parts = HEX_LINE.exec(line.trim());
    const bytes = parts?.[2].trim().split(' ') ?? [];
    const isNext = parts !== null && Number.parseInt(parts[1], 16) === this.#length && this.#length < 4096;
    if (!isNext || bytes.length !== 16) {
      this.#remarks.push(`line ${number}: config bytes are torn; what follows in this function is not used`);
      if (!isNext) return;
    }
    for (const byte of bytes) this.#bytes[this.#length++] = Number.parseInt(byte, 16);
  }

  #detail(into: DumpFunction, line: string): void {
    if (line.startsWith('Capabilities: <access denied>')) return;
    if (line.startsWith('Capabilities:')) {
      readCapability(into, line);
      if (line.includes('Access Control Services')) this.#owesAcs = true;
    } else if (ACS_LINE.test(line)) this.#acs(into, line);
    else if (/^(Region \d: |Memory at |\[virtual\] Memory at )/.test(line)) this.#region(into, line);
    else if (line.startsWith('!!! Unknown header type')) this.#lost(into);
    else if (line.startsWith('Bus: primary=')) readBuses(into, line);
    else if (line.startsWith('Kernel driver in use:')) into.driver = line.slice(line.indexOf(':') + 1).trim();
    else if (line.startsWith('Control: ')) into.barsKnown = true;
    this.#virtual(into, line);
  }

  /** Regions inside the SR-IOV capability are those of the VFs. */
  #region(into: DumpFunction, line: string): void {
    into.barsKnown = true;
    const parts = REGION.exec(line);
    if (parts === null || this.#inVirtual) return;
    const { index = into.bars.length, address = '', width, non, size = '0', unit = ' ' } = parts.groups ?? {};
    into.bars.push({
      index: Number(index),
      address: Number.parseInt(address, 16),
      sizeBytes: Number(size) * 1024 ** ' KMGT'.indexOf(unit),
      isPrefetchable: non === undefined,
      is64: width === '64',
    });
  }

  /** Words of the capability; a mailer may have cut them in two. */
  #acs(into: DumpFunction, line: string): void {
    const { capability = 0, control = 0 } = into.acs ?? {};
    if (line.startsWith('ACSCap:')) this.#inControl = false;
    if (line.startsWith('ACSCtl:')) this.#inControl = true;
    if (this.#inControl) this.#owesAcs = false;
    const bits = acsBits(line);
    into.acs = this.#inControl ? { capability, control: control | bits } : { capability: capability | bits, control };
  }

  /** All ones: the function does not answer any more. */
  #lost(into: DumpFunction): void {
    into.barsKnown = true;
    this.#remarks.push(`${into.text}: config space reads all ones, the function is gone`);
  }

  #virtual(into: DumpFunction, line: string): void {
    if (line.startsWith('Capabilities:')) this.#inVirtual = line.includes('SR-IOV');
    if (!this.#inVirtual) return;
    const count = /Number of VFs: (\d+)/.exec(line);
    const place = /VF offset: (\d+), stride: (\d+)/.exec(line);
    const { offset = 0, stride = 0, count: known = 0 } = into.virtualFunctions ?? {};
    if (count !== null) into.virtualFunctions = { count: Number(count[1]), offset, stride };
    if (place !== null) into.virtualFunctions = { count: known, offset: Number(place[1]), stride: Number(place[2]) };
  }
}

/** Class and ids where `-n` or `-nn` printed them. */
function readHeadline(into: DumpFunction, text: string): void {
  const names = /^.*?\[([0-9a-f]{4})\]: .*\[([0-9a-f]{4}):([0-9a-f]{4})\]/i.exec(text);
  const numbers = /^([0-9a-f]{4}): ([0-9a-f]{4}):([0-9a-f]{4})/i.exec(text);
  const parts = names ?? numbers;
  if (parts !== null)
    [into.classCode, into.vendor, into.device] = parts.slice(1).map((cell) => Number.parseInt(cell, 16));
  else if (text.startsWith('Host bridge')) into.classCode = 0x0600;
  else if (text.startsWith('PCI bridge')) into.classCode = 0x0604;
  else if (/^\w+ bridge:/.test(text)) into.classCode = 0x0680;
}

/** A list that could be read at all means that ACS, if there, would have been in it. */
function readCapability(into: DumpFunction, line: string): void {
  const offset = Number.parseInt(/\[([0-9a-f]+)/i.exec(line)?.[1] ?? '0', 16);
  if (into.portType === UNKNOWN) into.portType = T.CONVENTIONAL_PCI;
  const express = /Express (?:\(v\d+\) )?(.*)/.exec(line);
  if (express === null) {
    if (offset >= 0x100) into.acsKnown = true;
    return;
  }
  into.portType = PORT_NAMES.find(([name]) => express[1].startsWith(name))?.[1] ?? UNKNOWN;
  into.acsKnown = true;
}

function acsBits(line: string): number {
  let bits = 0;
  for (const [, name, sign] of line.matchAll(/(\w+)([+-])/g)) if (sign === '+') bits |= ACS_NAMES[name] ?? 0;
  return bits;
}

function readBuses(into: DumpFunction, line: string): void {
  const parts = /secondary=([0-9a-f]{2}), subordinate=([0-9a-f]{2})/i.exec(line);
  if (parts !== null)
    into.buses = { secondary: Number.parseInt(parts[1], 16), subordinate: Number.parseInt(parts[2], 16) };
}
