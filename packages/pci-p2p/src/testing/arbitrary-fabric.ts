import fc from 'fast-check';
import { devfn } from '../fabric/address.ts';
import type { PciBus } from '../fabric/pci-bus.ts';
import type { FabricMemory, PciFabric } from '../fabric/pci-fabric.ts';
import { PCI_EXP_TYPE_PCI_BRIDGE } from '../spec/port-type.ts';
import { q35Fabric } from './machine.ts';
import { addEndpoint, addRootPort, addSwitch, below } from './topology.ts';

/** What hangs on a port: an endpoint with a BAR of 2^n bytes, two functions, a switch, or a bridge to conventional PCI. */
export type Branch =
  | { readonly kind: 'endpoint' | 'functions' | 'conventional'; readonly barShift: number; readonly wide: boolean }
  | { readonly kind: 'switch'; readonly ports: readonly Branch[] };

const leaf: fc.Arbitrary<Branch> = fc.record({
  kind: fc.constantFrom('endpoint' as const, 'functions' as const, 'conventional' as const),
  barShift: fc.integer({ min: 4, max: 22 }),
  wide: fc.boolean(),
});

const branch: fc.Memo<Branch> = fc.memo((depth) =>
  depth <= 1
    ? leaf
    : fc.oneof(
        leaf,
        fc.record({ kind: fc.constant('switch' as const), ports: fc.array(branch(depth - 1), { maxLength: 3 }) }),
      ),
);

/** Memory that keeps nothing: random addresses would commit all of it. */
const NOWHERE: FabricMemory = { read() {}, write() {} };

/** What hangs on the root ports of a fabric: small enough to print when a property fails. */
export const arbitraryShape: fc.Arbitrary<Branch[]> = fc.array(branch(3), { minLength: 1, maxLength: 3 });

/** The fabric of that shape, not enumerated yet. */
export function buildShape(ports: readonly Branch[]): PciFabric {
  const fabric = q35Fabric({ memory: NOWHERE });
  for (const [i, item] of ports.entries()) plug(below(addRootPort(fabric.rootBus, i + 1)), item);
  return fabric;
}

function plug(bus: PciBus, item: Branch): void {
  if (item.kind === 'switch') {
    if (bus.bridge === null) throw new Error('a switch hangs on a port');
    const { downstream } = addSwitch(bus.bridge, item.ports.length);
    for (const [i, port] of downstream.entries()) plug(below(port), item.ports[i]);
    return;
  }
  const bars = [
    { index: 0, kind: item.wide ? ('memory64' as const) : ('memory32' as const), sizeBytes: 2 ** item.barShift },
    { index: 4, kind: 'memory64' as const, prefetchable: true, sizeBytes: 0x10_0000 },
  ];
  if (item.kind !== 'conventional') {
    const extra = { bars, msix: { vectors: 4, bar: 4, tableOffset: 0 } };
    for (let fn = 0; fn < (item.kind === 'functions' ? 2 : 1); fn++) addEndpoint(bus, fn, extra);
    return;
  }
  const bridge = bus.add(0, {
    vendor: 0x1b36,
    device: 0x000e,
    classCode: 0x06_0400,
    portType: PCI_EXP_TYPE_PCI_BRIDGE,
  });
  below(bridge).add(devfn(2), { vendor: 0x1b36, device: 0x0010, portType: -1, bars });
}
