import { afterEach, beforeEach, describe } from 'vitest';
import type { ConformanceRig } from './conformance-rig.ts';
import { deviceSuite } from './device-suite.ts';
import { faultSuite } from './fault-suite.ts';
import { randomSuite } from './random-suite.ts';
import { Stage } from './stage.ts';
import { staleSuite } from './stale-suite.ts';
import { translationSuite } from './translation-suite.ts';

/** How hard a rig is tested: real devices are slower than models. */
export interface ConformanceEffort {
  /** Random sequences of maps and unmaps. Default 25. */
  readonly randomRuns?: number;
}

/**
 * What every unit and its driver must do, whatever their kind. Tests say what devices reach, which faults are recorded and
 * what the driver logs; none looks into tables, registers or models.
 * @param makeRig called before each test, for a rig that none has touched
 */
export function iommuConformance(name: string, makeRig: () => ConformanceRig, effort: ConformanceEffort = {}): void {
  describe(`${name} conforms`, () => {
    let stage: Stage;

    beforeEach(() => {
      stage = new Stage(makeRig());
    });
    afterEach(() => stage.rig.close?.());

    translationSuite(() => stage);
    staleSuite(() => stage);
    faultSuite(() => stage);
    deviceSuite(() => stage);
    randomSuite(() => stage, effort.randomRuns ?? 25);
  });
}
