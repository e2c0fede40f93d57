import type { AcsNode } from '../acs/acs-node.ts';
import { buildConfigSpace } from '../config/build-config.ts';
import { findExtendedCapability } from '../config/capability-walk.ts';
import type { ConfigSpace, ConfigWidth } from '../config/config-space.ts';
import { functionName } from '../fabric/address.ts';
import type { RootNode } from '../p2p/pci-node.ts';
import { PCI_ACS_CTRL, PCI_EXT_CAP_ID_ACS } from '../spec/capability-ids.ts';
import { PCI_HEADER_TYPE, PCI_HEADER_TYPE_MFD } from '../spec/header.ts';
import * as T from '../spec/port-type.ts';
import { type Dump, type DumpFunction, UNKNOWN } from './dump-function.ts';

/** A host bridge of a dump: nothing is known of it but its root bus. */
export class DumpRoot implements RootNode {
  readonly domain: number;
  readonly busNumber: number;
  /** On the root bus, in devfn order. */
  readonly functions: DumpNode[] = [];

  constructor(domain: number, busNumber: number) {
    this.domain = domain;
    this.busNumber = busNumber;
  }

  get firstFunction(): DumpNode | undefined {
    return this.functions[0];
  }

  /** `dddd:bb` */
  get name(): string {
    return functionName(this.domain, this.busNumber << 8).slice(0, -5);
  }
}

/** A function of a dump in its place, with as much of a config space as the kernel's code would look at. */
export class DumpNode implements AcsNode {
  readonly dump: DumpFunction;
  readonly name: string;
  readonly children: DumpNode[] = [];
  parentBridge: DumpNode | null = null;
  physicalFunction: DumpNode | null = null;
  hostBridge: DumpRoot;
  readonly #config: ConfigSpace;

  constructor(dump: DumpFunction, hostBridge: DumpRoot, isMultiFunction: boolean) {
    this.dump = dump;
    this.name = functionName(dump.domain, dump.rid);
    this.hostBridge = hostBridge;
    this.#config = configOf(dump);
    if (isMultiFunction) this.#config.bytes[PCI_HEADER_TYPE] |= PCI_HEADER_TYPE_MFD;
  }

  get domain(): number {
    return this.dump.domain;
  }

  get rid(): number {
    return this.dump.rid;
  }

  get vendor(): number {
    return this.dump.vendor;
  }

  get device(): number {
    return this.dump.device;
  }

  get portType(): number {
    return this.dump.portType;
  }

  get acsControl(): number {
    const at = findExtendedCapability(this.#config, PCI_EXT_CAP_ID_ACS);
    return at === 0 ? 0 : this.#config.read(at + PCI_ACS_CTRL, 2);
  }

  readConfig(offset: number, width: ConfigWidth): number {
    return this.#config.read(offset, width);
  }

  writeConfig(offset: number, width: ConfigWidth, value: number): void {
    this.#config.write(offset, width, value);
  }
}

/** A dump with every function in its place. */
export interface DumpTopology {
  readonly roots: readonly DumpRoot[];
  /** Depth first, devfn order. */
  readonly nodes: readonly DumpNode[];
  readonly remarks: readonly string[];
}

/**
 * Puts the functions of a dump under their bridges by bus number. A bus whose bridge is missing hangs on the innermost
 * bridge whose range holds it, and is remarked; any other bus without a bridge is a root bus.
 */
export function buildTopology(dump: Dump): DumpTopology {
  const remarks = [...dump.remarks];
  const items = uniqueInOrder(dump.functions);
  if (items.length < dump.functions.length)
    remarks.push(`${dump.functions.length - items.length} functions are listed twice; the last one counts`);
  const places = new Set(items.map(placeOf));
  const roots = new Map<string, DumpRoot>();
  const nodes = new Map<DumpFunction, DumpNode>();
  const orphans: DumpNode[] = [];
  for (const item of items) {
    const bridge = bridgeAbove(item, items);
    const above = bridge === null ? undefined : nodes.get(bridge);
    const root = above?.hostBridge ?? rootOf(roots, item);
    const node = new DumpNode(item, root, hasSibling(item, places));
    node.parentBridge = above ?? null;
    (above?.children ?? root.functions).push(node);
    nodes.set(item, node);
    if (bridge !== null && bridge.buses?.secondary !== item.rid >>> 8) orphans.push(node);
  }
  linkVirtualFunctions([...nodes.values()]);
  for (const bus of new Set(orphans.filter(({ physicalFunction }) => physicalFunction === null).map(busOf)))
    remarks.push(`the bridge of bus ${bus} is missing: hung on the innermost bridge around it`);
  const ordered = [...roots.values()].flatMap(({ functions }) => functions.flatMap(withBelow));
  return { roots: [...roots.values()], nodes: ordered, remarks };
}

/** By place; bridges come before what is behind them, since buses below have higher numbers. */
function uniqueInOrder(functions: readonly DumpFunction[]): DumpFunction[] {
  const unique = [...new Map(functions.map((item) => [placeOf(item), item])).values()];
  return unique.sort((a, b) => a.domain - b.domain || a.rid - b.rid);
}

function placeOf({ domain, rid }: DumpFunction): string {
  return `${domain}:${rid}`;
}

function hasSibling({ domain, rid }: DumpFunction, places: ReadonlySet<string>): boolean {
  for (let fn = 0; fn < 8; fn++) if (fn !== (rid & 7) && places.has(`${domain}:${(rid & ~7) | fn}`)) return true;
  return false;
}

function busOf({ dump }: DumpNode): string {
  return busName(dump);
}

function withBelow(node: DumpNode): DumpNode[] {
  return [node, ...node.children.flatMap(withBelow)];
}

function busName({ domain, rid }: DumpFunction): string {
  return functionName(domain, rid).slice(0, -5);
}

function rootOf(roots: Map<string, DumpRoot>, item: DumpFunction): DumpRoot {
  const key = busName(item);
  const known = roots.get(key) ?? new DumpRoot(item.domain, item.rid >>> 8);
  roots.set(key, known);
  return known;
}

/** The bridge whose secondary bus this is, else the innermost one around it. Only bridges on lower buses can be above. */
function bridgeAbove({ domain, rid }: DumpFunction, all: readonly DumpFunction[]): DumpFunction | null {
  const bus = rid >>> 8;
  let best: DumpFunction | null = null;
  for (const candidate of all) {
    const { buses } = candidate;
    if (buses === null || candidate.domain !== domain || candidate.rid >>> 8 >= bus) continue;
    if (buses.secondary === 0 || buses.secondary > bus || buses.subordinate < bus) continue;
    if (best?.buses == null || buses.secondary >= best.buses.secondary) best = candidate;
  }
  return best;
}

/** VFs sit where their PF sits (spec T11): on the PF's bus, or on one that only SR-IOV made. */
function linkVirtualFunctions(nodes: readonly DumpNode[]): void {
  for (const pf of nodes) {
    const { virtualFunctions } = pf.dump;
    for (let i = 0; i < (virtualFunctions?.count ?? 0); i++) {
      const rid = pf.rid + (virtualFunctions?.offset ?? 0) + i * (virtualFunctions?.stride ?? 0);
      const vf = nodes.find((node) => node.domain === pf.domain && node.rid === rid);
      if (vf !== undefined && vf !== pf) vf.physicalFunction = pf;
    }
  }
}

/** Enough of a config space for the kernel's ACS code, with the control word that the dump showed. */
function configOf(dump: DumpFunction): ConfigSpace {
  const isBridge = dump.buses !== null;
  const acs = dump.acs === null ? {} : { acs: { capability: dump.acs.capability | dump.acs.control } };
  const ids = { vendor: dump.vendor & 0xffff, device: dump.device & 0xffff };
  const config = buildConfigSpace(
    { ...ids, ...acs, ...shapeOf(dump.portType, isBridge, dump.acs !== null) },
    dump.rid & 0xff,
  );
  const at = findExtendedCapability(config, PCI_EXT_CAP_ID_ACS);
  if (at !== 0) config.set(at + PCI_ACS_CTRL, 2, dump.acs?.control ?? 0);
  return config;
}

/** The described port type where hardware could have it, else the nearest that can carry what the dump shows. */
function shapeOf(
  portType: number,
  isBridge: boolean,
  hasAcs: boolean,
): { portType: number; conventionalBridge?: boolean } {
  const isExpress = portType !== UNKNOWN && portType !== T.CONVENTIONAL_PCI;
  const mayHaveAcs = isExpress && portType !== T.PCI_EXP_TYPE_PCIE_BRIDGE;
  if (isExpress && (mayHaveAcs || !hasAcs) && (T.isBridgePort(portType) || !isBridge)) return { portType };
  if (hasAcs) return { portType: isBridge ? T.PCI_EXP_TYPE_DOWNSTREAM : T.PCI_EXP_TYPE_ENDPOINT };
  return { portType: T.CONVENTIONAL_PCI, conventionalBridge: isBridge };
}
