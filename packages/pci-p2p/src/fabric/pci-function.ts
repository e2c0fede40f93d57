import { barBusAddress } from '../config/bars.ts';
import { memoryWindow, prefetchableWindow } from '../config/bridge-windows.ts';
import { buildConfigSpace } from '../config/build-config.ts';
import { findCapability, findExtendedCapability } from '../config/capability-walk.ts';
import type { ConfigSpace, ConfigWidth } from '../config/config-space.ts';
import { describesBridge, type FunctionDescription } from '../config/function-description.ts';
import type { P2pFunction } from '../p2p/p2p-function.ts';
import * as C from '../spec/capability-ids.ts';
import {
  PCI_COMMAND,
  PCI_COMMAND_INTX_DISABLE,
  PCI_COMMAND_MASTER,
  PCI_COMMAND_MEMORY,
  PCI_INTERRUPT_PIN,
  PCI_SECONDARY_BUS,
  PCI_SUBORDINATE_BUS,
} from '../spec/header.ts';
import { PCI_EXP_TYPE_ENDPOINT } from '../spec/port-type.ts';
import { functionName, requesterId } from './address.ts';
import type { AddressDecoder } from './address-decoder.ts';
import { DECODES_TO_WINDOW } from './address-decoder.ts';
import type { BarHandler } from './bar-handler.ts';
import { PciFabricError } from './errors.ts';
import { FunctionPort } from './function-port.ts';
import type { HostBridge } from './host-bridge.ts';
import { type LinkCounters, linkCounters, newLinkCounters } from './link-counters.ts';
import { MsixTable } from './msix-table.ts';
import type { PciBus } from './pci-bus.ts';
import { UpstreamPath } from './upstream-path.ts';

/**
 * One function of the fabric, as hardware has it (spec T1): config space bytes, BARs with what stands behind them, and
 * the port through which a device model reaches the machine. What a config write decides is worked out at the write.
 */
export class PciFunction implements P2pFunction {
  readonly bus: PciBus;
  readonly devfn: number;
  /** The PF whose VF this is, else null (spec T11). */
  readonly physicalFunction: PciFunction | null;
  readonly description: FunctionDescription;
  readonly config: ConfigSpace;
  /** All that a device model sees of its machine. */
  readonly port: FunctionPort;
  /** The bus below a bridge, made with it by {@link PciBus.add}; null for an endpoint. */
  secondaryBus: PciBus | null = null;
  readonly isBridge: boolean;
  readonly portType: number;
  readonly msix: MsixTable | null;
  /** Counters of the link below a bridge (zero for an endpoint). */
  readonly counters: Float64Array = newLinkCounters();
  readonly handlers: (BarHandler | null)[] = [null, null, null, null, null, null];

  /** Decoded from config space at each write; read by the router. */
  busMaster = false;
  memoryDecode = false;
  acsControl = 0;
  atsEnabled = false;
  msixEnabled = false;
  msixMasked = false;
  /** The level that the device model puts on its wire; {@link wireAsserted} says whether it gets out. */
  wireLevel = false;
  removed = false;
  /** "BARs must not be mapped": such a function provides no peer memory (spec T32). */
  nonMappableBars = false;
  /** Forces another requester id onto the wire: for tests of source validation. -1: its own. */
  forgedRequesterId = -1;
  /** How its requests go up; null after a config write anywhere, until the next request. */
  path: UpstreamPath | null = null;
  readonly #acsAt: number;
  readonly #atsAt: number;
  readonly #msixAt: number;

  /** Made by {@link PciBus.add}. */
  constructor(bus: PciBus, devfn: number, description: FunctionDescription, physicalFunction: PciFunction | null) {
    this.bus = bus;
    this.devfn = devfn;
    this.description = description;
    this.physicalFunction = physicalFunction;
    this.config = buildConfigSpace(description, devfn);
    this.portType = description.portType ?? PCI_EXP_TYPE_ENDPOINT;
    this.isBridge = describesBridge(description);
    this.msix = description.msix === undefined ? null : new MsixTable(description.msix);
    this.port = new FunctionPort(this);
    this.#acsAt = findExtendedCapability(this.config, C.PCI_EXT_CAP_ID_ACS);
    this.#atsAt = findExtendedCapability(this.config, C.PCI_EXT_CAP_ID_ATS);
    this.#msixAt = findCapability(this.config, C.PCI_CAP_ID_MSIX);
  }

  /** Bus number << 8 | devfn, with the bus number that software gave (spec notation). */
  get rid(): number {
    return requesterId(this.bus.number, this.devfn);
  }

  get name(): string {
    return functionName(this.domain, this.rid);
  }

  get domain(): number {
    return this.bus.hostBridge.domain;
  }

  get vendor(): number {
    return this.description.vendor;
  }

  get device(): number {
    return this.description.device;
  }

  get parentBridge(): PciFunction | null {
    return this.bus.bridge;
  }

  get hostBridge(): HostBridge {
    return this.bus.hostBridge;
  }

  get secondaryNumber(): number {
    return this.config.bytes[PCI_SECONDARY_BUS];
  }

  get subordinateNumber(): number {
    return this.config.bytes[PCI_SUBORDINATE_BUS];
  }

  /** What passed over the link below this bridge so far. */
  get link(): LinkCounters {
    this.bus.fabric.foldCounters();
    return linkCounters(this.counters);
  }

  /** Puts something behind a memory BAR. @throws {PciFabricError} when the function has no such BAR */
  attach(bar: number, handler: BarHandler): void {
    if (this.barSize(bar) === 0) throw new PciFabricError(`${this.name} has no memory BAR ${bar}`);
    this.handlers[bar] = handler;
  }

  /** Bytes of a memory BAR; 0 where there is none. */
  barSize(index: number): number {
    const bar = this.description.bars?.find((candidate) => candidate.index === index && candidate.kind !== 'io');
    return bar?.sizeBytes ?? 0;
  }

  /** Bus address of a memory BAR, as its register holds it. */
  barBusAddress(index: number): number {
    return barBusAddress(this.config, index);
  }

  /** What the CPU calls that address: "resource start" (spec T5). */
  barCpuAddress(index: number): number {
    const at = this.barBusAddress(index);
    for (const { kind, cpuStart, lengthBytes, offset = 0 } of this.hostBridge.windows)
      if (kind !== 'io' && at >= cpuStart - offset && at < cpuStart - offset + lengthBytes) return at + offset;
    throw new PciFabricError(
      `${this.name}: BAR ${index} at bus address 0x${at.toString(16)} is in no window of its host bridge`,
    );
  }

  readConfig(offset: number, width: ConfigWidth): number {
    return this.config.read(offset, width);
  }

  writeConfig(offset: number, width: ConfigWidth, value: number): void {
    this.config.write(offset, width, value);
    this.#decode();
    this.bus.fabric.decodeChanged();
    if (this.msixEnabled && !this.msixMasked) this.port.sendPending();
  }

  /** The interrupt wire is pulled: not while messages are in use or the command register has it off. */
  get wireAsserted(): boolean {
    const { config } = this;
    const isOff = this.msixEnabled || this.removed || (config.read(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE) !== 0;
    if (isOff || !this.wireLevel || config.read(PCI_INTERRUPT_PIN, 1) === 0) return false;
    const msi = findCapability(config, C.PCI_CAP_ID_MSI);
    return msi === 0 || (config.read(msi + C.PCI_MSI_FLAGS, 2) & C.PCI_MSI_FLAGS_ENABLE) === 0;
  }

  /** Egress vector bit of a port number (spec T9). */
  egressBlocks(portNumber: number): boolean {
    const at = this.#acsAt + C.PCI_ACS_EGRESS_CTL_V + (portNumber >>> 3);
    return (this.config.bytes[at] & (1 << (portNumber & 7))) !== 0;
  }

  get portNumber(): number {
    return this.description.portNumber ?? this.devfn >>> 3;
  }

  /** Works out {@link path} anew. */
  settlePath(): UpstreamPath {
    this.path = new UpstreamPath(this);
    return this.path;
  }

  forgetPath(): void {
    this.path?.fold();
    this.path = null;
  }

  /** Adds what this function claims on its bus. */
  claim(decoder: AddressDecoder): void {
    if (!this.memoryDecode) return;
    this.claimBars(decoder);
    if (this.secondaryBus === null) return;
    for (const window of [memoryWindow(this.config), prefetchableWindow(this.config)])
      if (window.end > window.start) decoder.add(this, DECODES_TO_WINDOW, window.start, window.end);
  }

  claimBars(decoder: AddressDecoder): void {
    if (!this.memoryDecode) return;
    for (const bar of this.description.bars ?? []) {
      if (bar.kind === 'io') continue;
      const start = this.barBusAddress(bar.index);
      decoder.add(this, bar.index, start, start + bar.sizeBytes);
    }
  }

  markRemoved(): void {
    this.forgetPath();
    this.removed = true;
    this.busMaster = false;
    this.memoryDecode = false;
    for (const below of this.secondaryBus?.functions ?? []) below.markRemoved();
  }

  #decode(): void {
    const command = this.config.read(PCI_COMMAND, 2);
    this.busMaster = (command & PCI_COMMAND_MASTER) !== 0;
    this.memoryDecode = (command & PCI_COMMAND_MEMORY) !== 0;
    this.acsControl = this.#acsAt === 0 ? 0 : this.config.read(this.#acsAt + C.PCI_ACS_CTRL, 2);
    this.atsEnabled =
      this.#atsAt !== 0 && (this.config.read(this.#atsAt + C.PCI_ATS_CTRL, 2) & C.PCI_ATS_CTRL_ENABLE) !== 0;
    const msix = this.#msixAt === 0 ? 0 : this.config.read(this.#msixAt + C.PCI_MSIX_FLAGS, 2);
    this.msixEnabled = (msix & C.PCI_MSIX_FLAGS_ENABLE) !== 0;
    this.msixMasked = (msix & C.PCI_MSIX_FLAGS_MASKALL) !== 0;
  }
}
