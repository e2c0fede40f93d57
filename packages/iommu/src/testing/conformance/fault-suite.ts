import { beforeEach, describe, expect, it } from 'vitest';
import { IOMMU_READ } from '../../core/paging-domain.ts';
import { BLOCKED } from './reach.ts';
import { IOVA, type Stage } from './stage.ts';

const SIX_SECONDS = 6e9; // more than the window of the driver's rate limit

/** A blocked request leaves a record, which the driver takes and logs. */
export function faultSuite(stage: () => Stage): void {
  describe('faults', () => {
    beforeEach(({ skip }) => skip(stage().rig.recordsFaults === false, 'this unit is known to record no faults'));

    it.each([
      ['a read of what is not mapped', IOVA + 2 ** 24, false],
      ['a write to what is not mapped', IOVA + 2 ** 24, true],
      ['a write to a read-only page', IOVA, true],
    ])('%s is recorded and logged with its device and page', (_, iova, isWrite) => {
      const { rig, page, source, phys } = stage();
      stage().map(IOVA, phys, page, IOMMU_READ);
      expect(rig.access(source, iova, new Uint8Array(4), isWrite)).toBe(false);
      const faults = rig.driver.handleFaultEvent(0);
      const seen = faults.map(({ sourceId, address, isRead }) => [sourceId, pageOf(address), isRead]);
      expect(seen).toContainEqual([source, iova, !isWrite]);
      expect(rig.log).toContainEqual(expect.stringMatching(rig.faultLine(source, iova, isWrite)));
    });

    it('a request that passes leaves no record', () => {
      const { rig, page, phys } = stage();
      stage().map(IOVA, phys, page);
      stage().both(IOVA, phys);
      expect(rig.driver.handleFaultEvent(0)).toEqual([]);
      expect(rig.log).toEqual([]);
    });

    it('records are taken once, and later faults are recorded again', () => {
      const { rig, source } = stage();
      for (let round = 1; round <= 3; round++) {
        rig.access(source, IOVA + round * 2 ** 16, new Uint8Array(4), true);
        const faults = rig.driver.handleFaultEvent(round * SIX_SECONDS);
        expect(faults.map(({ address }) => pageOf(address))).toContain(IOVA + round * 2 ** 16);
        expect(rig.driver.handleFaultEvent(round * SIX_SECONDS)).toEqual([]);
      }
    });

    it('more faults than there are records: the driver goes on, and so does the unit', () => {
      const { rig, source, page, phys } = stage();
      for (let at = 0; at < 300; at++) rig.access(source, IOVA + 2 ** 28 + at * page, new Uint8Array(4), true);
      expect(rig.driver.handleFaultEvent(0).length).toBeGreaterThan(0);
      while (rig.driver.handleFaultEvent(0).length > 0);
      stage().map(IOVA, phys, page);
      expect(stage().both(IOVA + page, phys)).toBe(BLOCKED);
      const faults = rig.driver.handleFaultEvent(SIX_SECONDS);
      expect(faults.map(({ address }) => pageOf(address))).toContain(IOVA + page);
    });
  });
}

function pageOf(address: number | bigint): number {
  const value = Number(address);
  return value - (value % 4096);
}
