import { describe, expect, it } from 'vitest';
import { FakeIommuDriver } from '../../testing/fake-iommu-driver.ts';
import { DomainType } from '../groups/iommu-domain.ts';
import { KernelContext } from '../kernel-context.ts';
import { defaultDomainType } from './default-domain-type.ts';
import { defaultPolicy, forceStrict, policyLines } from './default-policy.ts';

const CHOSEN = ' (set via kernel command line)';

describe('boot options', () => {
  it.each([
    ['', ['Translated', 'lazy mode']],
    ['iommu.strict=1', ['Translated', `strict mode${CHOSEN}`]],
    ['iommu.strict=0', ['Translated', `lazy mode${CHOSEN}`]],
    ['intel_iommu=on,strict', ['Translated', `strict mode${CHOSEN}`]],
    ['amd_iommu=fullflush', ['Translated', `strict mode${CHOSEN}`]],
    ['iommu=pt', [`Passthrough${CHOSEN}`]],
    ['iommu.passthrough=1', [`Passthrough${CHOSEN}`]],
    ['iommu.passthrough=1 iommu=nopt', [`Translated${CHOSEN}`, 'lazy mode']],
  ])('I112 I113 I114 "%s"', (commandLine, [type, mode]) => {
    const expected = [`iommu: Default domain type: ${type}`];
    if (mode !== undefined) expected.push(`iommu: DMA domain TLB invalidation policy: ${mode}`);
    expect(policyLines(defaultPolicy(commandLine))).toEqual(expected);
  });

  it('I113 notes what it reads and what it does not know', () => {
    const policy = defaultPolicy('intel_iommu=on,sp_off,sm_on,igfx_off,bogus iommu.forcedac=1');
    expect(policy.intel).toEqual({ enabled: true, superpages: false, scalableMode: true, graphicsMapped: false });
    expect(policy.lines).toEqual([
      'DMAR: IOMMU enabled',
      "DMAR: Unknown option - 'bogus'",
      'Forcing DAC for PCI devices',
    ]);
    expect(policy.forceDac).toBe(true);
  });

  it('I115 memory encryption turns a built-in passthrough off, not a chosen one', () => {
    const built = { lazy: true, passthrough: true, x86: true, memoryEncryption: true };
    expect(defaultPolicy('', built).passthrough).toBe(false);
    expect(defaultPolicy('iommu=pt', built).passthrough).toBe(true);
  });

  it('I115 a driver can force strict after the policy line was printed', () => {
    const amd = forceStrict(defaultPolicy(''), 'amd');
    expect([amd.lazy, amd.lines]).toEqual([false, ['AMD-Vi: Using strict mode due to virtualization']]);
  });

  it('I112 other machines are built strict, and ignore x86 options', () => {
    const arm = { lazy: false, passthrough: false, x86: false, memoryEncryption: false };
    expect(defaultPolicy('iommu=pt', arm)).toMatchObject({ lazy: false, passthrough: false });
  });
});

describe('default domain of a group', () => {
  const driver = new FakeIommuDriver(new KernelContext());
  driver.wishes.set('dma', 'DMA').set('identity', 'identity');
  const member = (name: string, untrusted = false) => ({ name, untrusted });
  const lazy = defaultPolicy('');

  it.each([
    ['the global lazy policy', [member('plain')], lazy, DomainType.DMA_FQ],
    ['the global strict policy', [member('plain')], defaultPolicy('iommu.strict=1'), DomainType.DMA],
    ['the global passthrough', [member('plain')], defaultPolicy('iommu=pt'), DomainType.IDENTITY],
    ['I125 a wish for DMA is strict where the policy is lazy', [member('plain'), member('dma')], lazy, DomainType.DMA],
    ['I125 a wish for identity', [member('identity')], lazy, DomainType.IDENTITY],
    ['I125 identity wins a conflict', [member('dma'), member('identity')], lazy, DomainType.IDENTITY],
    ['I126 an untrusted member', [member('plain'), member('plug', true)], defaultPolicy('iommu=pt'), DomainType.DMA],
  ])('%s', (_, members, policy, type) => {
    expect(defaultDomainType(members, driver, policy).type).toBe(type);
  });

  it('I126 another wish in an untrusted group refuses that probe', () => {
    const members = [member('plug', true), member('identity')];
    const { type, refused, lines } = defaultDomainType(members, driver, lazy);
    expect([type, refused, lines.length]).toEqual(['DMA', members[1], 1]);
  });
});
