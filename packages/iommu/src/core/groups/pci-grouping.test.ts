import { describe, expect, it } from 'vitest';
import { ACS_REQUIRED, ACS_SOURCE_VALIDATION, acsEnabled, acsPathEnabled, type GroupablePciDevice } from './acs.ts';
import { pciDeviceGroup } from './pci-grouping.ts';

const ISOLATING = { capability: 0x7f, control: ACS_REQUIRED };

function pci(bus: number, slot: number, fn: number, options: Partial<GroupablePciDevice> = {}): GroupablePciDevice {
  const name = `0000:${bus.toString(16).padStart(2, '0')}:${slot.toString(16).padStart(2, '0')}.${fn}`;
  const base = { multifunction: false, kind: 'endpoint', acs: null, upstream: null } as const;
  return { name, bus, devfn: slot * 8 + fn, ...base, ...options };
}

/** Groups in order, as names, when the devices are placed in the order given. */
function grouped(devices: readonly GroupablePciDevice[]): string[][] {
  const groups: GroupablePciDevice[][] = [];
  const groupOf = (device: GroupablePciDevice) => groups.find((group) => group.includes(device)) ?? null;
  for (const device of devices) {
    const group = pciDeviceGroup(device, devices, groupOf);
    if (group === null) groups.push([device]);
    else group.push(device);
  }
  return groups.map((group) => group.map(({ name }) => name.slice(5)));
}

describe('ACS', () => {
  it.each<[string, Partial<GroupablePciDevice>, boolean]>([
    ['a root port with the four controls on', { kind: 'root-port', acs: ISOLATING }, true],
    ['a root port with one off', { kind: 'root-port', acs: { capability: 0x7f, control: 0x1c } }, false],
    [
      'a control that the capability lacks counts as on',
      { kind: 'downstream-port', acs: { capability: 0x1c, control: 0x1c } },
      true,
    ],
    ['a port without the capability', { kind: 'downstream-port' }, false],
    ['a single-function endpoint', { kind: 'endpoint' }, true],
    ['a multifunction endpoint', { kind: 'endpoint', multifunction: true }, false],
    ['a multifunction endpoint with controls', { kind: 'endpoint', multifunction: true, acs: ISOLATING }, true],
    ['a conventional device', { kind: 'conventional' }, false],
    ['a bridge to PCI', { kind: 'bridge-to-pci', acs: ISOLATING }, false],
    ['an event collector', { kind: 'event-collector' }, false],
    ['a quirk', { kind: 'root-port', acsQuirk: true }, true],
  ])('I122 %s', (_, options, enabled) => {
    expect(acsEnabled(pci(0, 1, 0, options))).toBe(enabled);
  });

  it('I121 a path isolates when every function on it does', () => {
    const root = pci(0, 1, 0, { kind: 'root-port', acs: ISOLATING });
    const leaky = pci(1, 0, 0, {
      kind: 'downstream-port',
      acs: { capability: 0x7f, control: ACS_SOURCE_VALIDATION },
      upstream: root,
    });
    expect([acsPathEnabled(root), acsPathEnabled(pci(2, 0, 0, { upstream: leaky }))]).toEqual([true, false]);
  });
});

describe('grouping', () => {
  it('I123 q35: devices of their own, and a shared multifunction slot', () => {
    const isa = (fn: number) => pci(0, 0x1f, fn, { multifunction: true, kind: 'integrated-endpoint' });
    const devices = [
      pci(0, 0, 0, { kind: 'integrated-endpoint' }),
      pci(0, 2, 0, { kind: 'integrated-endpoint' }),
      pci(0, 3, 0),
      isa(0),
      isa(2),
      isa(3),
    ];
    expect(grouped(devices)).toEqual([['00:00.0'], ['00:02.0'], ['00:03.0'], ['00:1f.0', '00:1f.2', '00:1f.3']]);
  });

  it('I121 devices behind a bridge that does not isolate share its group', () => {
    const port = pci(0, 4, 0, { kind: 'root-port' });
    const devices = [port, pci(1, 0, 0, { upstream: port }), pci(1, 1, 0, { upstream: port })];
    expect(grouped(devices)).toEqual([['00:04.0', '01:00.0', '01:01.0']]);
  });

  it('I121 behind one that does, each has its own', () => {
    const port = pci(0, 4, 0, { kind: 'root-port', acs: ISOLATING });
    const devices = [port, pci(1, 0, 0, { upstream: port }), pci(1, 1, 0, { upstream: port })];
    expect(grouped(devices)).toEqual([['00:04.0'], ['01:00.0'], ['01:01.0']]);
  });

  it('I121 a switch below an isolating root port: its leaky ports join everything under the upstream port', () => {
    const root = pci(0, 1, 0, { kind: 'root-port', acs: ISOLATING });
    const up = pci(1, 0, 0, { kind: 'upstream-port', upstream: root });
    const down = (slot: number) => pci(2, slot, 0, { kind: 'downstream-port', upstream: up });
    const [a, b] = [down(0), down(1)];
    const devices = [root, up, a, b, pci(3, 0, 0, { upstream: a }), pci(4, 0, 0, { upstream: b })];
    expect(grouped(devices)).toEqual([['00:01.0'], ['01:00.0'], ['02:00.0', '03:00.0'], ['02:01.0', '04:00.0']]);
  });

  it('I121 a device behind a bridge to conventional PCI joins the bridge that speaks for it', () => {
    const bridge = pci(0, 5, 0, { kind: 'bridge-to-pci' });
    const behind = (slot: number) =>
      pci(6, slot, 0, { kind: 'conventional', upstream: bridge, upstreamAliases: [bridge] });
    expect(grouped([bridge, behind(0), behind(1)])).toEqual([['00:05.0', '06:00.0', '06:01.0']]);
  });

  it('I121 what a leaky bridge is aliased with counts for what is behind it, though the bridge has no group yet', () => {
    const port = pci(0, 4, 0, { kind: 'root-port', aliases: [8] });
    const other = pci(0, 1, 0);
    const behind = pci(1, 0, 0, { upstream: port });
    const group = pciDeviceGroup(behind, [other, port, behind], (device) => (device === other ? 'group 0' : null));
    expect(group).toBe('group 0');
  });

  it('I121 requester ids used by another function of the bus join, over several steps', () => {
    const devices = [pci(0, 1, 0), pci(0, 2, 0, { aliases: [8] }), pci(0, 3, 0, { aliases: [16] })];
    expect(grouped(devices)).toEqual([['00:01.0', '00:02.0', '00:03.0']]);
  });
});
