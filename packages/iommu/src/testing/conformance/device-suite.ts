import { describe, expect, it } from 'vitest';
import type { UnitDomain } from '../../core/unit/iommu-unit-driver.ts';
import { BLOCKED, REACHED } from './reach.ts';
import { IOVA, type Stage } from './stage.ts';

/** Devices, the domains they are behind, and what is left when they leave. */
export function deviceSuite(stage: () => Stage): void {
  const both = (source: number, iova: number, phys: number) => stage().probe.both(source, iova, phys);

  describe('devices and domains', () => {
    it('a device that was never attached is blocked', () => {
      const { rig, page, phys } = stage();
      stage().map(IOVA, phys, page);
      expect(both(rig.sources[1], IOVA, phys)).toBe(BLOCKED);
      expect(both(rig.sources[1], phys, phys)).toBe(BLOCKED);
    });

    it('H28 a detached device is blocked at once, and can come back', () => {
      const { rig, page, phys, source, domain } = stage();
      stage().map(IOVA, phys, page);
      expect(both(source, IOVA, phys)).toBe(REACHED);
      rig.driver.detachDevice(source);
      expect(both(source, IOVA, phys)).toBe(BLOCKED);
      rig.driver.attachDevice(source, domain);
      expect(both(source, IOVA, phys)).toBe(REACHED);
    });

    it('devices of one domain see the same; an unmap reaches them all', () => {
      const { rig, page, phys, domain } = stage();
      for (const source of rig.sources.slice(1)) rig.driver.attachDevice(source, domain);
      stage().map(IOVA, phys, page);
      expect(rig.sources.map((source) => both(source, IOVA, phys))).toEqual([REACHED, REACHED, REACHED]);
      stage().unmap(IOVA, page);
      expect(rig.sources.map((source) => both(source, IOVA, phys))).toEqual([BLOCKED, BLOCKED, BLOCKED]);
    });

    it('when one device of a domain leaves, the others keep what they have', () => {
      const { rig, page, phys, domain, source } = stage();
      rig.driver.attachDevice(rig.sources[1], domain);
      stage().map(IOVA, phys, page);
      expect([source, rig.sources[1]].map((device) => both(device, IOVA, phys))).toEqual([REACHED, REACHED]);
      rig.driver.detachDevice(source);
      expect([source, rig.sources[1]].map((device) => both(device, IOVA, phys))).toEqual([BLOCKED, REACHED]);
    });

    it('one address leads two domains to two places; unmapping one leaves the other', () => {
      const { rig, page, phys, source } = stage();
      const [, other] = rig.sources;
      const second = rig.driver.createDomain();
      rig.driver.attachDevice(other, second);
      stage().map(IOVA, phys, page);
      stage().map(IOVA, phys + page, page, undefined, second);
      expect([both(source, IOVA, phys), both(other, IOVA, phys + page)]).toEqual([REACHED, REACHED]);
      stage().unmap(IOVA, page);
      expect([both(source, IOVA, phys), both(other, IOVA, phys + page)]).toEqual([BLOCKED, REACHED]);
    });

    it('a device that moves to another domain sees only that one, at once', () => {
      const { rig, page, phys, source } = stage();
      const second = rig.driver.createDomain();
      stage().map(IOVA, phys, page);
      stage().map(IOVA, phys + page, page, undefined, second);
      expect(both(source, IOVA, phys)).toBe(REACHED);
      rig.driver.attachDevice(source, second);
      expect(both(source, IOVA, phys + page)).toBe(REACHED);
    });

    it('what a dead domain mapped is gone for the next one, whichever id that gets', () => {
      const { rig, page, phys, source, domain } = stage();
      stage().map(IOVA, phys, 4 * page);
      expect(both(source, IOVA, phys)).toBe(REACHED);
      rig.driver.detachDevice(source);
      domain.destroy();
      const next = rig.driver.createDomain();
      rig.driver.attachDevice(source, next);
      expect(both(source, IOVA, phys)).toBe(BLOCKED);
      stage().map(IOVA, phys + page, page, undefined, next);
      expect(both(source, IOVA, phys + page)).toBe(REACHED);
    });

    it('a pass-through device reaches memory at its own addresses, until it is attached', () => {
      const { rig, phys, page, source } = stage();
      if (!rig.hasPassThrough) return;
      stage().map(IOVA, phys, page);
      const [, other] = rig.sources;
      rig.driver.attachPassThrough(other);
      expect(both(other, phys + 0x1234, phys + 0x1234)).toBe(REACHED);
      expect(both(source, IOVA, phys)).toBe(REACHED);
      rig.driver.attachDevice(other, stage().domain);
      expect([both(other, phys, phys), both(other, IOVA, phys)]).toEqual([BLOCKED, REACHED]);
      rig.driver.attachPassThrough(other);
      expect(both(other, phys, phys)).toBe(REACHED);
      rig.driver.detachDevice(other);
      expect(both(other, phys, phys)).toBe(BLOCKED);
    });

    it('no table page is left when domains and devices are gone', () => {
      const { rig } = stage();
      for (const source of rig.sources) churn(stage(), source);
      const before = rig.tablePagesInUse();
      for (const source of rig.sources) churn(stage(), source);
      expect(rig.tablePagesInUse()).toBe(before);
    });
  });
}

/** A domain's life: mapped sparsely, used, partly unmapped, destroyed. */
function churn(stage: Stage, source: number): void {
  const { rig, page, phys } = stage;
  const domain: UnitDomain = rig.driver.createDomain();
  rig.driver.attachDevice(source, domain);
  for (const at of [0, 2 ** 21, 2 ** 30, 2 ** 33]) {
    stage.map(IOVA + at, phys, 16 * page, undefined, domain);
    expect(stage.probe.both(source, IOVA + at, phys)).toBe(REACHED);
  }
  stage.unmap(IOVA, 16 * page, domain);
  rig.driver.detachDevice(source);
  domain.destroy();
}
