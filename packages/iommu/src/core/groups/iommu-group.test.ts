import { renderEvent, TraceRing } from '@dmalab/trace';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeIommuDriver } from '../../testing/fake-iommu-driver.ts';
import { KernelContext } from '../kernel-context.ts';
import { defaultPolicy } from '../policy/default-policy.ts';
import { RegionKind, type ReservedRegion } from '../regions/reserved-region.ts';
import { GroupRegistry } from './group-registry.ts';
import { DomainType, type GroupDevice, type IommuDomain } from './iommu-domain.ts';
import type { IommuGroup } from './iommu-group.ts';

const EPERM = -1;
const ENOMEM = -12;
const EBUSY = -16;
const EINVAL = -22;
const EPROBE_DEFER = -517;
const DIRECT: ReservedRegion = { start: 0x4000, last: 0x5fff, kind: RegionKind.DIRECT, prot: 3 };

let log: string[];
let ring: TraceRing;
let driver: FakeIommuDriver;
let registry: GroupRegistry<GroupDevice>;
const nvme: GroupDevice = { name: '0000:00:03.0', untrusted: false };
const isa: GroupDevice = { name: '0000:00:1f.0', untrusted: false };
const sata: GroupDevice = { name: '0000:00:1f.2', untrusted: false };

function setUp(commandLine = ''): void {
  log = [];
  const context = new KernelContext({ log: (line) => log.push(line) });
  ring = new TraceRing();
  ring.on = true;
  driver = new FakeIommuDriver(context);
  registry = new GroupRegistry(context, ring, driver, defaultPolicy(commandLine), (device, groupOf) =>
    device === sata ? groupOf(isa) : null,
  );
}

function alloc(type: DomainType): IommuDomain {
  return driver.allocDomain(type) as IommuDomain;
}

function groupOf(device: GroupDevice): IommuGroup {
  return registry.groupOf(device) as IommuGroup;
}

beforeEach(() => setUp());

describe('probing', () => {
  it('I130 places every device first, then gives each group its domain', () => {
    registry.probeBus([nvme, isa, sata]);
    expect(log).toEqual([
      '0000:00:03.0: Adding to iommu group 0',
      '0000:00:1f.0: Adding to iommu group 1',
      '0000:00:1f.2: Adding to iommu group 1',
    ]);
    expect(driver.attached).toEqual(['0000:00:03.0 DMA-FQ', '0000:00:1f.0 DMA-FQ', '0000:00:1f.2 DMA-FQ']);
    const { log: trace } = ring.toLog();
    expect(
      Array.from({ length: trace.length }, (_, i) => renderEvent(trace, i).split(': ').slice(1).join(': ')),
    ).toEqual([
      'add_device_to_group: IOMMU: groupID=0 device=0000:00:03.0',
      'add_device_to_group: IOMMU: groupID=1 device=0000:00:1f.0',
      'add_device_to_group: IOMMU: groupID=1 device=0000:00:1f.2',
      'attach_device_to_domain: IOMMU: device=0000:00:03.0',
      'attach_device_to_domain: IOMMU: device=0000:00:1f.0',
      'attach_device_to_domain: IOMMU: device=0000:00:1f.2',
    ]);
  });

  it('I131 the lowest free id is used next', () => {
    registry.probeBus([nvme, isa]);
    registry.remove(nvme);
    expect(driver.attached.at(-1)).toBe('0000:00:03.0 blocked');
    expect(registry.probe({ name: '0000:00:05.0', untrusted: false })).toBe(0);
    expect(registry.groups.map(({ id }) => id)).toEqual([0, 1]);
  });

  it('I130 I140 a device that joins brings its direct regions into the live domain', () => {
    registry.probeBus([isa]);
    driver.regions.set(sata.name, [DIRECT]);
    expect(registry.probe(sata)).toBe(0);
    expect(groupOf(isa).domain?.paging?.iovaToPhys(0x5123)).toBe(0x5123);
  });

  it('I124 falls back to DMA, with a warning', () => {
    driver.unsupported.add(DomainType.DMA_FQ);
    registry.probeBus([nvme]);
    expect(groupOf(nvme).defaultDomain?.type).toBe('DMA');
    expect(log).toHaveLength(2);
  });

  it('I131 a device that needs direct mappings is released to identity', () => {
    driver.regions.set(nvme.name, [DIRECT]);
    registry.probeBus([nvme]);
    registry.remove(nvme);
    expect(driver.attached.at(-1)).toBe('0000:00:03.0 identity');
  });
});

describe('attaching', () => {
  it('I127 moves all members, and back on detach', () => {
    registry.probeBus([isa, sata]);
    const group = groupOf(isa);
    const user = alloc(DomainType.UNMANAGED);
    expect(group.attach(user)).toBe(0);
    expect([group.domain, group.defaultDomain?.type]).toEqual([user, 'DMA-FQ']);
    expect(group.attach(alloc(DomainType.UNMANAGED))).toBe(EBUSY);
    expect(group.detach()).toBe(0);
    expect(group.domain).toBe(group.defaultDomain);
  });

  it('I127 a failure puts the earlier members back', () => {
    registry.probeBus([isa, sata]);
    driver.attached.length = 0;
    driver.failAttach = sata.name;
    expect(groupOf(isa).attach(alloc(DomainType.UNMANAGED))).toBe(ENOMEM);
    expect(driver.attached).toEqual(['0000:00:1f.0 unmanaged', '0000:00:1f.0 DMA-FQ']);
    expect(groupOf(isa).domain).toBe(groupOf(isa).defaultDomain);
  });

  it('I127 refuses a foreign driver, and one device of several', () => {
    registry.probeBus([isa, sata, nvme]);
    const foreign = new FakeIommuDriver(new KernelContext()).allocDomain(DomainType.UNMANAGED) as IommuDomain;
    expect(groupOf(nvme).attach(foreign)).toBe(EINVAL);
    expect(groupOf(isa).attachDevice(isa, alloc(DomainType.UNMANAGED))).toBe(EINVAL);
    expect(groupOf(nvme).attachDevice(nvme, alloc(DomainType.UNMANAGED))).toBe(0);
  });

  it('I129 during a reset the device is blocked and attaches are refused', () => {
    registry.probeBus([nvme]);
    const group = groupOf(nvme);
    expect(group.prepareReset(nvme)).toBe(0);
    expect([driver.attached.at(-1), group.domain?.type]).toEqual(['0000:00:03.0 blocked', 'DMA-FQ']);
    expect(group.attach(alloc(DomainType.UNMANAGED))).toBe(EBUSY);
    group.resetDone(nvme);
    expect(driver.attached.at(-1)).toBe('0000:00:03.0 DMA-FQ');
  });
});

describe('ownership', () => {
  it('I133 a kernel driver waits for a default domain', () => {
    driver.unsupported.add(DomainType.DMA_FQ).add(DomainType.DMA);
    registry.probeBus([nvme]);
    expect(groupOf(nvme).useDefaultDomain()).toBe(EPROBE_DEFER);
  });

  it('I128 an owner and a bound driver exclude each other', () => {
    registry.probeBus([nvme]);
    const group = groupOf(nvme);
    const [owner, other] = [{}, {}];
    expect(group.useDefaultDomain()).toBe(0);
    expect(group.claimDmaOwner(owner)).toBe(EPERM);
    group.unuseDefaultDomain();
    expect(group.claimDmaOwner(owner)).toBe(0);
    expect(group.domain?.type).toBe('blocked');
    expect([group.claimDmaOwner(owner), group.claimDmaOwner(other), group.useDefaultDomain()]).toEqual([
      0,
      EPERM,
      EBUSY,
    ]);
    expect(group.attach(alloc(DomainType.UNMANAGED))).toBe(0);
    expect(group.detach()).toBe(0);
    expect(group.domain?.type).toBe('blocked');
    group.releaseDmaOwner();
    expect(group.domain?.type).toBe('blocked');
    group.releaseDmaOwner();
    expect(group.domain).toBe(group.defaultDomain);
  });

  it('I128 a device that requires direct mappings may not be blocked', () => {
    driver.regions.set(nvme.name, [DIRECT]);
    registry.probeBus([nvme]);
    expect(groupOf(nvme).claimDmaOwner({})).toBe(EINVAL);
    expect(log.at(-1)).toContain('requires direct mappings');
  });
});

describe('the type file', () => {
  it('I111 DMA becomes DMA-FQ on the live domain, drivers bound or not', () => {
    setUp('iommu.strict=1');
    registry.probeBus([nvme]);
    const group = groupOf(nvme);
    const dma = group.defaultDomain?.dma;
    group.useDefaultDomain();
    expect(dma?.flushQueue).toBe(null);
    expect(group.setType(DomainType.DMA_FQ, () => null)).toBe(0);
    expect([group.defaultDomain?.type, group.defaultDomain?.dma === dma, dma?.flushQueue === null]).toEqual([
      'DMA-FQ',
      true,
      false,
    ]);
  });

  it('I111 every other change needs a group without bound drivers', () => {
    registry.probeBus([nvme]);
    const group = groupOf(nvme);
    group.useDefaultDomain();
    expect(group.setType(DomainType.IDENTITY, () => alloc(DomainType.IDENTITY))).toBe(EPERM);
    group.unuseDefaultDomain();
    expect(group.setType(DomainType.IDENTITY, () => alloc(DomainType.IDENTITY))).toBe(0);
    expect(group.domain?.type).toBe('identity');
  });
});
