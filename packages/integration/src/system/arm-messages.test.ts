import { expect, it } from 'vitest';
import { bringUp } from '../machine/bring-up.ts';
import { buildMachine } from '../machine/build-machine.ts';
import { checkDescription } from '../machine/machine-description.ts';
import { MACHINES } from '../machine/presets.ts';

const DOORBELL = 0x0809_0000;

it('H10 I141 an SMMUv3 machine maps the doorbell page for each disk, and the disk writes its messages there', () => {
  const { nvme } = bringUp(buildMachine(MACHINES['arm-smmuv3']));
  const { pciFunction, paging, domain } = nvme;
  const iova = pciFunction.msix!.address(0) - 0x40;
  expect(iova).not.toBe(DOORBELL);
  expect(paging!.iovaToPhys(iova)).toBe(DOORBELL);
  expect(domain!.iova.granule).toBe(4096);
});

it('H10 a device behind an SMMUv3 in pass-through writes to the page itself', () => {
  const { nvme } = bringUp(buildMachine({ ...MACHINES['arm-smmuv3'], iommu: 'passthrough' }));
  expect(nvme.pciFunction.msix!.address(0)).toBe(DOORBELL + 0x40);
});

it('says that an SMMUv3 needs its doorbell page free of RAM', () => {
  const description = { ...MACHINES['x86-vtd'], iommuKind: 'smmuv3' } as const;
  expect(() => checkDescription(description)).toThrow('give platform arm64 and a ramStart of 1 GiB');
});
