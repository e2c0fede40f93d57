import type { PhysMemory } from '@dmalab/phys-memory';
import type { ConfigWidth } from '../config/config-space.ts';
import { parseFunctionName } from './address.ts';
import { readBarRegister, writeBarRegister } from './bar-access.ts';
import { PciFabricError } from './errors.ts';
import { HostBridge, type HostBridgeOptions } from './host-bridge.ts';
import { InterruptController } from './interrupt-controller.ts';
import type { PciBus } from './pci-bus.ts';
import type { PciFunction } from './pci-function.ts';
import { ROUTED_TO_FUNCTION, Router, WIRE_ADDRESS } from './router.ts';

/** The bytes that requests to memory end in: `PhysMemory`, or anything that copies like it. */
export type FabricMemory = Pick<PhysMemory, 'read' | 'write'>;

export interface PciFabricOptions {
  readonly memory: FabricMemory;
  readonly hostBridges: readonly HostBridgeOptions[];
  /** False: every request goes to the root complex, as in QEMU, which routes no peers (spec T61). Default true. */
  readonly routesPeers?: boolean;
  /** Page that interrupt messages are written to on an Arm machine (spec H10). Default: the window of x86. */
  readonly doorbellPage?: number;
}

/** What software reads where no function answers. */
const ALL_ONES = 0xffff_ffff;

/**
 * Host bridges, buses and functions, and the two ways into them: the CPU's (config and MMIO accesses, by the numbers and
 * addresses that software gave out) and the devices' (each function's port).
 */
export class PciFabric {
  readonly memory: FabricMemory;
  readonly interrupts: InterruptController;
  readonly hostBridges: readonly HostBridge[];
  readonly routesPeers: boolean;
  readonly router: Router;
  /** The memory windows of all host bridges, flat for the router. */
  readonly windowStarts: Float64Array;
  readonly windowEnds: Float64Array;
  readonly windowOffsets: Float64Array;
  readonly windowBridges: readonly HostBridge[];
  /** A config write touched what the decoders were made of. */
  decodeIsStale = true;

  /** @throws {PciFabricError} for host bridges that overlap */
  constructor(options: PciFabricOptions) {
    this.memory = options.memory;
    this.interrupts = new InterruptController(options.doorbellPage);
    this.routesPeers = options.routesPeers ?? true;
    this.router = new Router(this);
    this.hostBridges = options.hostBridges.map((bridge) => new HostBridge(this, bridge));
    const windows = this.hostBridges.flatMap((bridge) =>
      bridge.windows.filter(({ kind }) => kind !== 'io').map((window) => ({ bridge, ...window })),
    );
    this.windowStarts = Float64Array.from(windows, ({ cpuStart }) => cpuStart);
    this.windowEnds = Float64Array.from(windows, ({ cpuStart, lengthBytes }) => cpuStart + lengthBytes);
    this.windowOffsets = Float64Array.from(windows, ({ offset = 0 }) => offset);
    this.windowBridges = windows.map(({ bridge }) => bridge);
    this.#checkHostBridges();
  }

  /** The root bus of the first host bridge: where most machines plug everything in. */
  get rootBus(): PciBus {
    return this.hostBridges[0].rootBus;
  }

  /** Every function, depth first in devfn order, which is discovery order. */
  functions(): PciFunction[] {
    return this.hostBridges.flatMap(({ rootBus }) => functionsBelow(rootBus));
  }

  /** The function that a config access to that number reaches, by the bus numbers in the bridges on the way (spec T1). */
  findFunction(domain: number, rid: number): PciFunction | undefined {
    for (const bridge of this.hostBridges) {
      if (bridge.domain !== domain) continue;
      const found = busNumbered(bridge.rootBus, rid >>> 8)?.get(rid & 0xff);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** As {@link findFunction}, by name. @throws {PciFabricError} when there is none */
  functionNamed(name: string): PciFunction {
    const { domain, rid } = parseFunctionName(name);
    const found = this.findFunction(domain, rid);
    if (found === undefined) throw new PciFabricError(`no function answers at ${name}`);
    return found;
  }

  /** A config read by the CPU: all ones where nothing answers. */
  readConfig(domain: number, rid: number, offset: number, width: ConfigWidth): number {
    const target = this.findFunction(domain, rid);
    return target === undefined ? ALL_ONES >>> (32 - 8 * width) : target.readConfig(offset, width);
  }

  writeConfig(domain: number, rid: number, offset: number, width: ConfigWidth, value: number): void {
    this.findFunction(domain, rid)?.writeConfig(offset, width, value);
  }

  /** A 32-bit MMIO read by the CPU at a physical address: all ones where nothing answers. */
  readMmio(phys: number): number {
    const { router } = this;
    router.wire[WIRE_ADDRESS] = phys;
    if (router.routeFromRoot(4) !== ROUTED_TO_FUNCTION || router.target === null) return ALL_ONES;
    const value = readBarRegister(router.target, router.targetBar, router.targetOffset);
    return value < 0 ? ALL_ONES : value;
  }

  /** A 32-bit MMIO write by the CPU; dropped where nothing answers. */
  writeMmio(phys: number, value: number): void {
    const { router } = this;
    router.wire[WIRE_ADDRESS] = phys;
    if (router.routeFromRoot(4) !== ROUTED_TO_FUNCTION || router.target === null) return;
    writeBarRegister(router.target, router.targetBar, router.targetOffset, value);
  }

  /** That function pulls its interrupt wire. */
  wireAsserted(domain: number, rid: number): boolean {
    return this.findFunction(domain, rid)?.wireAsserted ?? false;
  }

  /** Called wherever something changed that the decoders were made of. */
  decodeChanged(): void {
    this.decodeIsStale = true;
  }

  /** Brings the counters of all links up to date. */
  foldCounters(): void {
    for (const { path } of this.functions()) path?.fold();
  }

  rebuildDecoders(): void {
    for (const { rootBus } of this.hostBridges) rootBus.rebuildDecoder();
    this.decodeIsStale = false;
  }

  #checkHostBridges(): void {
    const seen = new Set<string>();
    for (const { domain, rootBusNumber } of this.hostBridges) {
      const key = `${domain}:${rootBusNumber}`;
      if (seen.has(key))
        throw new PciFabricError(`two host bridges have root bus ${rootBusNumber} of domain ${domain}`);
      seen.add(key);
    }
    const order = [...this.windowStarts.keys()].sort((a, b) => this.windowStarts[a] - this.windowStarts[b]);
    for (let i = 1; i < order.length; i++)
      if (this.windowEnds[order[i - 1]] > this.windowStarts[order[i]])
        throw new PciFabricError(
          `host bridge windows overlap at 0x${this.windowStarts[order[i]].toString(16)}: each address has one claimant`,
        );
  }
}

function functionsBelow(bus: PciBus): PciFunction[] {
  return bus.functions.flatMap((here) => [
    here,
    ...(here.secondaryBus === null ? [] : functionsBelow(here.secondaryBus)),
  ]);
}

function busNumbered(bus: PciBus, number: number): PciBus | undefined {
  if (bus.number === number) return bus;
  for (const { secondaryBus, secondaryNumber, subordinateNumber } of bus.functions) {
    if (secondaryBus === null || secondaryNumber === 0) continue; // an unconfigured bridge passes nothing down
    if (number >= secondaryNumber && number <= subordinateNumber) return busNumbered(secondaryBus, number);
  }
  return undefined;
}
