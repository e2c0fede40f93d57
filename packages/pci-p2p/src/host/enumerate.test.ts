import { describe, expect, it } from 'vitest';
import { memoryWindow, prefetchableWindow } from '../config/bridge-windows.ts';
import { devfn } from '../fabric/address.ts';
import { PCI_PREF_MEMORY_LIMIT } from '../spec/header.ts';
import { inconsistencies } from '../testing/consistency.ts';
import { q35Fabric } from '../testing/machine.ts';
import { addEndpoint, addRootPort, addSwitch, below } from '../testing/topology.ts';
import { enumerateFabric } from './enumerate.ts';

describe('enumeration', () => {
  it('T1 numbers buses depth first and tells each bridge what is below it', () => {
    const fabric = q35Fabric();
    const [first, second] = [addRootPort(fabric.rootBus, 1), addRootPort(fabric.rootBus, 2)];
    const { upstream, downstream } = addSwitch(first, 2);
    addEndpoint(below(downstream[1]));
    const last = addEndpoint(below(second));
    enumerateFabric(fabric);
    const numbers = [first, upstream, ...downstream, second].map((bridge) => [
      bridge.config.bytes[0x18],
      bridge.secondaryNumber,
      bridge.subordinateNumber,
    ]);
    expect(numbers).toEqual([
      [0, 1, 4],
      [1, 2, 4],
      [2, 3, 3],
      [2, 4, 4],
      [0, 5, 5],
    ]);
    expect(last.name).toBe('0000:05:00.0');
    expect(fabric.functionNamed('05:00.0')).toBe(last);
  });

  it('T5 T6 places 64-bit prefetchable BARs in that window and the rest below 4 GiB, in steps of 1 MiB', () => {
    const fabric = q35Fabric();
    const port = addRootPort(fabric.rootBus, 1);
    const endpoint = addEndpoint(below(port));
    enumerateFabric(fabric);
    expect(memoryWindow(port.config)).toEqual({ start: 0xc000_0000, end: 0xc010_0000 });
    expect(prefetchableWindow(port.config)).toEqual({ start: 0x80_0000_0000, end: 0x80_0010_0000 });
    expect(endpoint.barBusAddress(0)).toBe(0xc000_0000);
    expect(endpoint.barBusAddress(4)).toBe(0x80_0000_0000);
    expect([...endpoint.config.bytes.slice(0x20, 0x28)]).toEqual([0x0c, 0, 0, 0, 0x80, 0, 0, 0]);
  });

  it('T6 closes a window that was left open around nothing', () => {
    const fabric = q35Fabric();
    const port = addRootPort(fabric.rootBus, 1);
    port.writeConfig(PCI_PREF_MEMORY_LIMIT + 6, 4, 0x8000);
    enumerateFabric(fabric);
    expect(prefetchableWindow(port.config)).toEqual({ start: 0, end: 0 });
    expect(inconsistencies(fabric)).toEqual([]);
  });

  it('says which window is too small', () => {
    const fabric = q35Fabric();
    const bar = { index: 0, kind: 'memory32' as const, sizeBytes: 0x2000_0000 };
    for (const device of [3, 4]) fabric.rootBus.add(devfn(device), { vendor: 0x1b36, device: 0x10, bars: [bar] });
    expect(() => enumerateFabric(fabric)).toThrow(
      'the BARs need 1073741824 bytes of memory window, there are 536870912',
    );
  });
});
