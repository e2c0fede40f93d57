import { fc } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { IOMMU_READ } from '../../core/paging-domain.ts';
import type { UnitDomain } from '../../core/unit/iommu-unit-driver.ts';
import { BLOCKED, REACHED, READ_ONLY } from './reach.ts';
import { IOVA, pageSizes, RW, type Stage } from './stage.ts';

/** Pages that a run may cover, counted in the smallest size. */
interface Step {
  readonly maps: boolean;
  readonly first: number;
  readonly count: number;
  readonly target: number;
  readonly writes: boolean;
}

/** What the tables should hold: brute force, a page at a time. */
type Model = Map<number, { readonly target: number; readonly writes: boolean }>;

/** Random maps and unmaps against the model, on one rig: each run has a domain of its own. */
export function randomSuite(stage: () => Stage, runs: number): void {
  describe('random maps and unmaps', () => {
    it('what is mapped is reached, what is not mapped is blocked, at every mix of page sizes', () => {
      const large = perLarge(stage());
      fc.assert(
        fc.property(fc.array(stepOf(large), { minLength: 1, maxLength: 12 }), (steps) => play(stage(), steps)),
        { numRuns: runs },
      );
    }, 60_000);
  });
}

/** Most runs start where a large page may, and are one or two of them long. */
function stepOf(large: number): fc.Arbitrary<Step> {
  return fc.record({
    maps: fc.boolean(),
    first: fc.oneof(fc.nat({ max: 3 * large - 1 }), fc.constantFrom(0, large, 2 * large)),
    count: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(large, large + 1, 2 * large)),
    target: fc.constantFrom(0, 1, large, large + 7),
    writes: fc.boolean(),
  });
}

function play(stage: Stage, steps: readonly Step[]): void {
  const { rig } = stage;
  const domain = rig.driver.createDomain();
  rig.driver.attachDevice(stage.source, domain);
  const before = rig.tablePagesInUse();
  const model: Model = new Map();
  for (const step of steps) {
    const run = { ...step, count: Math.min(step.count, roomAt(stage, step)) };
    if (run.maps) mapBoth(stage, domain, model, run);
    else unmapBoth(stage, domain, model, run);
    expect(disagreements(stage, domain, model, run)).toEqual([]);
  }
  expect(rig.tablePagesInUse()).toBeGreaterThanOrEqual(before);
  rig.driver.attachDevice(stage.source, stage.domain);
  domain.destroy();
}

/** The first free pages of a run take a mapping that hits an occupied one; the driver says how many (spec I154). */
function mapBoth({ page, phys }: Stage, domain: UnitDomain, model: Model, run: Step): void {
  const { first, count, target, writes } = run;
  const result = domain.map(IOVA + first * page, phys + target * page, count * page, writes ? RW : IOMMU_READ);
  const taken = Array.from({ length: count }, (_, i) => first + i).some((at) => model.has(at));
  expect(result === 0).toBe(!taken);
  for (let i = 0; i < domain.mappedBytes / page; i++) model.set(first + i, { target: target + i, writes });
  domain.iotlbSyncMap(IOVA + first * page, count * page);
}

/** The driver's answer counts: a large page goes whole or not at all, and a hole ends it (spec I156). */
function unmapBoth(stage: Stage, domain: UnitDomain, model: Model, { first, count }: Step): void {
  const cleared = stage.unmap(IOVA + first * stage.page, count * stage.page, domain) / stage.page;
  const gone = Array.from({ length: cleared }, (_, i) => model.delete(first + i));
  expect(gone).not.toContain(false);
}

/** Pages around both ends of the latest run, and the first of each large page, that are not what the model says. */
function disagreements(stage: Stage, domain: UnitDomain, model: Model, { first, count }: Step): string[] {
  const large = perLarge(stage);
  const places = [-1, 0, 1, count >> 1, count - 1, count].map((at) => first + at);
  const wrong: string[] = [];
  for (const at of new Set([...places, 0, large, 2 * large, 3 * large - 1])) {
    if (at < 0) continue;
    const expected = model.get(at);
    const phys = stage.phys + (expected?.target ?? 0) * stage.page;
    const wanted = expected === undefined ? BLOCKED : expected.writes ? REACHED : READ_ONLY;
    const found = stage.both(IOVA + at * stage.page + 8, phys + 8);
    const known = domain.iovaToPhys(IOVA + at * stage.page + 8);
    if (found !== wanted) wrong.push(`page ${at}: ${found}, not ${wanted}`);
    if (known !== (expected === undefined ? 0 : phys + 8)) wrong.push(`page ${at}: the driver finds ${known}`);
  }
  return wrong;
}

/** Smallest pages in the next larger one; few enough for the scratch memory to hold three. */
function perLarge(stage: Stage): number {
  const [, large = 64 * stage.page] = pageSizes(stage.domain);
  const most = Math.floor(stage.rig.scratch.lengthBytes / stage.page / 4);
  return Math.min(large / stage.page, most);
}

/** Pages from a run's target to the end of the scratch memory. */
function roomAt({ rig, page }: Stage, { target }: Step): number {
  return rig.scratch.lengthBytes / page - target;
}
