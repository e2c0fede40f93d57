import { isFunctionName, parseFunctionName } from '../fabric/address.ts';
import * as T from '../spec/port-type.ts';
import { TopologyInputError } from './dump-error.ts';
import { type Dump, type DumpFunction, emptyFunction, UNKNOWN } from './dump-function.ts';

/** Port types as a description spells them. */
export const PORT_TYPE_WORDS: Readonly<Record<string, number>> = {
  endpoint: T.PCI_EXP_TYPE_ENDPOINT,
  'legacy endpoint': T.PCI_EXP_TYPE_LEG_END,
  'root port': T.PCI_EXP_TYPE_ROOT_PORT,
  'upstream port': T.PCI_EXP_TYPE_UPSTREAM,
  'downstream port': T.PCI_EXP_TYPE_DOWNSTREAM,
  'pcie-to-pci bridge': T.PCI_EXP_TYPE_PCI_BRIDGE,
  'pci-to-pcie bridge': T.PCI_EXP_TYPE_PCIE_BRIDGE,
  'root complex endpoint': T.PCI_EXP_TYPE_RC_END,
  'event collector': T.PCI_EXP_TYPE_RC_EC,
  'conventional pci': T.CONVENTIONAL_PCI,
};

/** A port type in a description's words. */
export function portTypeWord(portType: number): string {
  return Object.entries(PORT_TYPE_WORDS).find(([, type]) => type === portType)?.[0] ?? 'unknown';
}

/**
 * Reads a machine's functions from JSON: `{ "functions": [{ "name": "0000:01:00.0", "type": "endpoint", "ids":
 * "1b36:0010", "acs": "0x1d", "buses": [1, 1], "bars": [{ "index": 0, "address": "0xfe000000", "size": 16384 }] }] }`.
 * All but the name may be left out; a missing `acs` says that there is none.
 * @throws {TopologyInputError} naming the function and the field
 */
export function readTopologyDescription(text: string): Dump {
  const { functions } = parseJson(text);
  if (!Array.isArray(functions)) throw new TopologyInputError(0, 'the description has no list "functions"');
  return {
    functions: functions.map((item, i) => readFunction((item ?? {}) as Record<string, unknown>, i)),
    remarks: [],
  };
}

function parseJson(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new TopologyInputError(0, `not JSON: ${(error as Error).message}`);
  }
}

function readFunction(item: Record<string, unknown>, i: number): DumpFunction {
  const fail = (field: string, expected: string): never => {
    throw new TopologyInputError(0, `functions[${i}] ${item['name'] ?? ''}: "${field}" must be ${expected}`);
  };
  if (typeof item['name'] !== 'string' || !isFunctionName(item['name'])) {
    return fail('name', 'a PCI address like "0000:01:00.0"');
  }
  const { domain, rid } = parseFunctionName(item['name']);
  const read = emptyFunction(domain, rid, typeof item['text'] === 'string' ? item['text'] : '');
  read.portType =
    item['type'] === undefined
      ? UNKNOWN
      : (PORT_TYPE_WORDS[String(item['type'])] ?? fail('type', `one of ${Object.keys(PORT_TYPE_WORDS).join(', ')}`));
  if (item['ids'] !== undefined) {
    const ids = /^([0-9a-f]{4}):([0-9a-f]{4})$/i.exec(String(item['ids'])) ?? fail('ids', 'vendor:device in hex');
    [read.vendor, read.device] = [Number.parseInt(ids[1], 16), Number.parseInt(ids[2], 16)];
  }
  if (item['acs'] !== undefined) {
    const control = Number(item['acs']);
    if (!(control >= 0 && control <= 0x7f)) fail('acs', 'a control word from 0 to "0x7f"');
    const capability = Number(item['acsCapability'] ?? 0x5f) | control;
    read.acs = { capability, control };
  }
  if (item['buses'] !== undefined) {
    const [secondary, subordinate] = Array.isArray(item['buses'])
      ? item['buses'].map(Number)
      : fail('buses', 'two bus numbers');
    read.buses = { secondary, subordinate };
  }
  read.bars = readBars(item['bars'] ?? [], fail);
  read.acsKnown = true;
  read.barsKnown = true;
  return read;
}

function readBars(value: unknown, fail: (field: string, expected: string) => never): DumpFunction['bars'] {
  if (!Array.isArray(value)) return fail('bars', 'a list of { index, address, size }');
  return value.map((bar: Record<string, unknown>) => {
    const [index, address, sizeBytes] = [Number(bar['index']), Number(bar['address']), Number(bar['size'])];
    if (!(index >= 0 && index < 6 && address >= 0 && sizeBytes > 0)) fail('bars', 'a list of { index, address, size }');
    return { index, address, sizeBytes, isPrefetchable: bar['prefetchable'] === true, is64: bar['is64'] !== false };
  });
}
