import { mapTypeName, pciClient } from '@dmalab/pci-p2p';
import { describe, expect, it } from 'vitest';
import { buildMachine } from './build-machine.ts';
import { type MachineDescription, PLAIN_NVME } from './machine-description.ts';
import { MACHINES } from './presets.ts';

const direct = MACHINES['x86-direct'];

describe('a description that no machine fits', () => {
  it.each<[string, Partial<MachineDescription>, string]>([
    ['too little memory', { memoryBytes: 2 ** 20 }, 'memoryBytes'],
    ['half a CPU', { cpus: 0.5 }, 'cpus'],
    ['a disk of odd size', { diskBytes: 1000 }, 'diskBytes'],
    ['no disk', { devices: [] }, 'devices'],
    ['SEV behind an IOMMU', { confidential: 'sev', iommu: 'lazy' }, 'confidential'],
    ['a bus of 16 address bits', { devices: [{ ...PLAIN_NVME, busAddressBits: 16 }] }, 'devices.0.busAddressBits'],
    [
      'a BAR of odd size',
      { devices: [PLAIN_NVME, { kind: 'peer-memory', attachment: 'switch', barBytes: 3000000, hasPages: true }] },
      'devices.1.barBytes',
    ],
  ])('%s: the error says where', (_, change, path) => {
    expect(() => buildMachine({ ...direct, ...change })).toThrow(
      expect.objectContaining({ code: 'ERR_MACHINE_DESCRIPTION', path }),
    );
  });
});

describe('topologies', () => {
  it('puts plain disks where the traced machines have theirs, and others behind it', () => {
    const { disks } = buildMachine({ ...direct, devices: [PLAIN_NVME, PLAIN_NVME] });
    expect(disks.map(({ device }) => device.name)).toEqual(['0000:00:03.0', '0000:00:04.0']);
  });

  it.each([
    ['nvme-switch', {}, 'BUS_ADDR'],
    ['nvme-switch', { iommu: 'strict' }, 'NOT_SUPPORTED'], // T45: the kernel turned redirection on at the ports
    ['nvme-root-ports', {}, 'NOT_SUPPORTED'], // T39: Q35's host bridge is on no list
    ['nvme-root-ports', { forwardsPeers: true }, 'THRU_HOST_BRIDGE'],
  ] as const)('T39 %s with %o: one disk reaches the other %s', (name, change, expected) => {
    const { p2p, disks } = buildMachine({ ...MACHINES[name], ...change });
    const [first, second] = disks.map(({ pciFunction }) => pciFunction);
    p2p.pcimP2pdmaInit(second);
    const provider = p2p.pcimP2pdmaProvider(second, 0);
    expect(provider && mapTypeName(p2p.pciP2pdmaMapType(provider, pciClient(first)))).toContain(expected);
  });
});
