import { barBusAddress, barOffset, isBar64 } from '../config/bars.ts';
import { type ConfigReader, findCapability, findExtendedCapability } from '../config/capability-walk.ts';
import {
  PCI_ACS_CAP,
  PCI_ACS_CTRL,
  PCI_CAP_ID_EXP,
  PCI_EXP_FLAGS,
  PCI_EXT_CAP_ID_ACS,
  PCI_EXT_CAP_ID_SRIOV,
} from '../spec/capability-ids.ts';
import {
  PCI_BASE_ADDRESS_MEM_PREFETCH,
  PCI_BASE_ADDRESS_SPACE_IO,
  PCI_CFG_SPACE_EXP_SIZE,
  PCI_CFG_SPACE_SIZE,
  PCI_CLASS_DEVICE,
  PCI_DEVICE_ID,
  PCI_HEADER_TYPE,
  PCI_HEADER_TYPE_BRIDGE,
  PCI_HEADER_TYPE_MASK,
  PCI_SECONDARY_BUS,
  PCI_SUBORDINATE_BUS,
  PCI_VENDOR_ID,
} from '../spec/header.ts';
import { CONVENTIONAL_PCI } from '../spec/port-type.ts';
import type { DumpBar, DumpFunction } from './dump-function.ts';

/** Bytes of the header: all that an unprivileged dump has. */
const HEADER_BYTES = 0x40;

/** Fills in what the bytes of config space say, as far as they go (`lspci -x`, `-xxx`, `-xxxx`). */
export function readConfigBytes(into: DumpFunction, bytes: Uint8Array): void {
  if (bytes.length < HEADER_BYTES) return;
  const config = readerOf(bytes);
  into.vendor = config.read(PCI_VENDOR_ID, 2);
  into.device = config.read(PCI_DEVICE_ID, 2);
  into.classCode = config.read(PCI_CLASS_DEVICE, 2);
  const isBridge = (config.read(PCI_HEADER_TYPE, 1) & PCI_HEADER_TYPE_MASK) === PCI_HEADER_TYPE_BRIDGE;
  if (isBridge)
    into.buses = { secondary: config.read(PCI_SECONDARY_BUS, 1), subordinate: config.read(PCI_SUBORDINATE_BUS, 1) };
  if (into.bars.length === 0) into.bars = memoryBars(config, isBridge ? 2 : 6); // text has sizes, bytes have not
  into.barsKnown = true;
  if (bytes.length < PCI_CFG_SPACE_SIZE) return;
  const express = findCapability(config, PCI_CAP_ID_EXP);
  into.portType = express === 0 ? CONVENTIONAL_PCI : (config.read(express + PCI_EXP_FLAGS, 2) >>> 4) & 0xf;
  into.acsKnown = express === 0 || bytes.length >= PCI_CFG_SPACE_EXP_SIZE;
  readExtended(into, config);
}

function readExtended(into: DumpFunction, config: ConfigReader): void {
  const acs = findExtendedCapability(config, PCI_EXT_CAP_ID_ACS);
  if (acs !== 0) {
    into.acsKnown = true;
    into.acs = { capability: config.read(acs + PCI_ACS_CAP, 2), control: config.read(acs + PCI_ACS_CTRL, 2) };
  }
  const sriov = findExtendedCapability(config, PCI_EXT_CAP_ID_SRIOV);
  // Number of VFs, first offset and stride. PCIe Base 6.0 §9.3.3.
  if (sriov !== 0 && config.read(sriov + 0x08, 2) & 1)
    into.virtualFunctions = {
      count: config.read(sriov + 0x10, 2),
      offset: config.read(sriov + 0x14, 2),
      stride: config.read(sriov + 0x16, 2),
    };
}

/** All ones beyond what the dump has, which ends every capability list there. */
function readerOf(bytes: Uint8Array): ConfigReader {
  return {
    read(offset, width) {
      let value = 0;
      for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[offset + i] ?? 0xff);
      return value;
    },
  };
}

function memoryBars(config: ConfigReader, registers: number): DumpBar[] {
  const bars: DumpBar[] = [];
  for (let index = 0; index < registers; index++) {
    const register = config.read(barOffset(index), 4);
    const is64 = isBar64(register);
    const address = barBusAddress(config, index);
    const isMemory = (register & PCI_BASE_ADDRESS_SPACE_IO) === 0;
    const isPrefetchable = (register & PCI_BASE_ADDRESS_MEM_PREFETCH) !== 0;
    if (isMemory && address !== 0) bars.push({ index, address, sizeBytes: 0, isPrefetchable, is64 });
    if (is64) index++;
  }
  return bars;
}
