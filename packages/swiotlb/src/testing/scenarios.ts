import fc from 'fast-check';
import { NO_SEG_BOUNDARY } from '../constants.ts';
import type { SwiotlbDevice } from '../device.ts';
import { pciDevice } from './device.ts';

/** One device of every kind that searches differently. */
export const deviceKinds: readonly SwiotlbDevice[] = [
  pciDevice(),
  pciDevice({ minAlignMask: 4095 }),
  pciDevice({ minAlignMask: 511 }),
  pciDevice({ minAlignMask: 0xffff }),
  pciDevice({ segBoundaryMask: 0xffff }),
  pciDevice({ segBoundaryMask: 0x3ffff, minAlignMask: 4095 }),
  pciDevice({ segBoundaryMask: NO_SEG_BOUNDARY }),
  pciDevice({ minAlignMask: 0x1000 }), // a mask with a hole: candidates are not evenly spaced
];

export interface MapStep {
  readonly kind: number;
  readonly orig: number;
  readonly length: number;
  readonly aam: number;
  readonly cpu: number;
}

/** A free names its victim by a number that is reduced to the live buffers of the moment. */
export interface FreeStep {
  readonly victim: number;
}

export interface Scenario {
  readonly geometry: { readonly start: number; readonly slotCount: number; readonly areaCount: number };
  readonly steps: readonly (MapStep | FreeStep)[];
}

const geometry = fc
  .tuple(
    fc.constantFrom(0x10000000, 0x1000a000, 0x33a01000, 2 ** 40 + 0x5000),
    // 200: a restricted pool may end inside a segment (S120)
    fc.constantFrom([128, 1], [200, 1], [512, 1], [512, 4], [1024, 2]),
  )
  .map(([start, [slotCount, areaCount]]) => ({ start, slotCount, areaCount }));

const length = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(1, 8, 512, 2048, 4096, 8192) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 0x8000 }) },
  { weight: 2, arbitrary: fc.constantFrom(0x10000, 0x11000, 0x3f000, 0x40000, 0x40001) },
);

const original = fc.oneof(
  fc.nat(0xffff),
  fc.nat(31).map((slot) => 0x5000000 + 2048 * slot),
  fc.constant(2 ** 36 + 0x800),
);

/** @param kinds how many device kinds share the pool: one fills it evenly, all of them fragment it */
function mapStep(kinds: number): fc.Arbitrary<MapStep> {
  return fc.record({
    kind: fc.nat(kinds - 1),
    orig: original,
    length,
    aam: fc.constantFrom(0, 0, 0, 4095, 4095, 0xffff),
    cpu: fc.nat(7),
  });
}

const freeStep: fc.Arbitrary<FreeStep> = fc.record({ victim: fc.nat(1000) });

/** A pool and a history of maps and frees that may fill and fragment it. */
export function scenario(maxSteps: number): fc.Arbitrary<Scenario> {
  return fc.integer({ min: 1, max: deviceKinds.length }).chain((kinds) =>
    fc.record({
      geometry,
      steps: fc.array(
        fc.oneof({ weight: 3, arbitrary: mapStep(kinds) }, { weight: 2, arbitrary: freeStep }) as fc.Arbitrary<
          MapStep | FreeStep
        >,
        { minLength: 1, maxLength: maxSteps, size: 'max' },
      ),
    }),
  );
}
