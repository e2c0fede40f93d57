import * as H from '../spec/header.ts';
import { CONVENTIONAL_PCI, PCI_EXP_TYPE_ENDPOINT } from '../spec/port-type.ts';
import { type BarDescription, barOffset, barTypeBits } from './bars.ts';
import { addExtendedCapabilities, addStandardCapabilities } from './build-capabilities.ts';
import { ConfigSpace } from './config-space.ts';
import { checkDescription, describesBridge, type FunctionDescription } from './function-description.ts';

/**
 * The config space of a function as it leaves reset (spec T3 to T10): identity and capabilities in place, BARs, bus
 * numbers and windows zero and writable, nothing enabled.
 * @throws {PciDescriptionError}
 */
export function buildConfigSpace(description: FunctionDescription, devfn: number): ConfigSpace {
  checkDescription(description);
  const portType = description.portType ?? PCI_EXP_TYPE_ENDPOINT;
  const express = portType !== CONVENTIONAL_PCI;
  const config = new ConfigSpace(express ? H.PCI_CFG_SPACE_EXP_SIZE : H.PCI_CFG_SPACE_SIZE);
  buildCommonHeader(config, description);
  for (const bar of description.bars ?? []) buildBar(config, bar);
  if (describesBridge(description)) buildBridgeHeader(config);
  else buildEndpointHeader(config, description);
  addStandardCapabilities(config, description, devfn >>> 3);
  if (express) addExtendedCapabilities(config, description);
  return config;
}

function buildCommonHeader(config: ConfigSpace, description: FunctionDescription): void {
  config.set(H.PCI_VENDOR_ID, 2, description.vendor);
  config.set(H.PCI_DEVICE_ID, 2, description.device);
  config.set(H.PCI_REVISION_ID, 1, description.revision ?? 0);
  config.set(H.PCI_CLASS_PROG, 1, description.classCode ?? 0);
  config.set(H.PCI_CLASS_DEVICE, 2, (description.classCode ?? 0) >>> 8);
  const { PCI_COMMAND_IO: io, PCI_COMMAND_MEMORY: memory, PCI_COMMAND_MASTER: master } = H;
  config.allowWrites(H.PCI_COMMAND, 2, io | memory | master | H.PCI_COMMAND_INTX_DISABLE);
  config.allowClears(H.PCI_STATUS, 2, 0xf900);
  config.allowWrites(H.PCI_INTERRUPT_LINE, 1, 0xff);
}

function buildEndpointHeader(config: ConfigSpace, { subsystem, interruptPin }: FunctionDescription): void {
  config.set(H.PCI_INTERRUPT_PIN, 1, interruptPin ?? 0);
  config.set(H.PCI_SUBSYSTEM_VENDOR_ID, 2, subsystem?.vendor ?? 0);
  config.set(H.PCI_SUBSYSTEM_ID, 2, subsystem?.device ?? 0);
}

function buildBridgeHeader(config: ConfigSpace): void {
  config.set(H.PCI_HEADER_TYPE, 1, H.PCI_HEADER_TYPE_BRIDGE);
  for (const offset of [H.PCI_PRIMARY_BUS, H.PCI_SECONDARY_BUS, H.PCI_SUBORDINATE_BUS])
    config.allowWrites(offset, 1, 0xff);
  for (const offset of [H.PCI_IO_BASE, H.PCI_IO_LIMIT]) config.allowWrites(offset, 1, 0xf0);
  for (const offset of [H.PCI_MEMORY_BASE, H.PCI_MEMORY_LIMIT]) config.allowWrites(offset, 2, 0xfff0);
  for (const offset of [H.PCI_PREF_MEMORY_BASE, H.PCI_PREF_MEMORY_LIMIT]) {
    config.set(offset, 2, H.PCI_PREF_RANGE_TYPE_64);
    config.allowWrites(offset, 2, 0xfff0);
  }
  for (const offset of [H.PCI_PREF_BASE_UPPER32, H.PCI_PREF_LIMIT_UPPER32]) config.allowWrites(offset, 4, 0xffff_ffff);
  config.allowWrites(H.PCI_BRIDGE_CONTROL, 2, 0xffff);
  closeWindows(config);
}

/** Base above limit: hardware leaves the windows undefined at reset, and an open window at 0 would claim low memory. */
function closeWindows(config: ConfigSpace): void {
  config.set(H.PCI_MEMORY_BASE, 2, 0xfff0);
  config.set(H.PCI_PREF_MEMORY_BASE, 2, 0xfff0 | H.PCI_PREF_RANGE_TYPE_64);
}

/** Only address bits above the size can be written, which is what makes sizing work (spec T5). */
function buildBar(config: ConfigSpace, bar: BarDescription): void {
  const offset = barOffset(bar.index);
  config.set(offset, 4, barTypeBits(bar));
  const flagBits = bar.kind === 'io' ? 0x3 : 0xf;
  config.allowWrites(offset, 4, bar.sizeBytes > 2 ** 31 ? 0 : (~(bar.sizeBytes - 1) & ~flagBits) >>> 0);
  if (bar.kind === 'memory64')
    config.allowWrites(offset + 4, 4, bar.sizeBytes > 2 ** 32 ? ~(bar.sizeBytes / 2 ** 32 - 1) >>> 0 : 0xffff_ffff);
}
