import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { ConfigWidth } from '../config/config-space.ts';
import { enumerateFabric } from '../host/enumerate.ts';
import { PCI_COMMAND } from '../spec/header.ts';
import { arbitraryShape, buildShape } from '../testing/arbitrary-fabric.ts';
import { claims, inconsistencies } from '../testing/consistency.ts';
import type { PciFabric } from './pci-fabric.ts';
import type { PciFunction } from './pci-function.ts';
import { AT_TRANSLATED, AT_UNTRANSLATED, ROUTED_TO_FUNCTION, WIRE_ADDRESS, WIRE_PHYS } from './router.ts';

/** A config write to any place, most of them where something is decided. */
const configWrite = fc.record({
  at: fc.nat(),
  offset: fc.oneof(fc.integer({ min: 0, max: 0x3f }), fc.integer({ min: 0x40, max: 0x130 }), fc.nat(4095)),
  width: fc.constantFrom<ConfigWidth>(1, 2, 4),
  value: fc.oneof(fc.constantFrom(0, 0x1d, 0x7f, 6, 0xffff_ffff, 0xc000_0000, 0x8000), fc.nat(0xffff_ffff)),
});

const request = fc.record({
  at: fc.nat(),
  /** An address of some claim, or any. */
  near: fc.nat(),
  address: fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 0xfee0_0000, 0xffff_f000, 0x80_0000_0000)),
  isNear: fc.boolean(),
  isWrite: fc.constantFrom<0 | 1>(0, 1),
  translated: fc.boolean(),
  lengthBytes: fc.integer({ min: 1, max: 9000 }),
});

function countersOf(fabric: PciFabric): number[] {
  fabric.foldCounters();
  return fabric.functions().flatMap(({ counters }) => [...counters]);
}

function pick<T>(items: readonly T[], n: number): T {
  return items[n % items.length];
}

function enable(fabric: PciFabric): void {
  enumerateFabric(fabric);
  for (const fn of fabric.functions()) fn.writeConfig(PCI_COMMAND, 2, 6);
}

function addressOf(
  fabric: PciFabric,
  { near, address, isNear }: { near: number; address: number; isNear: boolean },
): number {
  const all = fabric.functions().flatMap(claims);
  return isNear && all.length > 0 ? pick(all, near).start + (address % 4096) : address;
}

/** Claims the address, and so does each window up to the first bus that both are below: read from bytes, not decoders. */
function isReachable(from: PciFunction, target: PciFunction, address: number): boolean {
  const shared = new Set([from.bus]);
  for (let at = from.bus.bridge; at !== null; at = at.bus.bridge) shared.add(at.bus);
  for (let at: PciFunction | null = target; at !== null; at = at.bus.bridge) {
    const claimed = claims(at).some(({ start, end }) => address >= start && address < end);
    if (!claimed || !at.memoryDecode) return false;
    if (shared.has(at.bus)) return true;
  }
  return true;
}

describe('a fabric under random accesses', () => {
  test.prop([arbitraryShape], { numRuns: 50 })('enumeration leaves windows that contain their children', (shape) => {
    const fabric = buildShape(shape);
    enumerateFabric(fabric);
    expect(inconsistencies(fabric)).toEqual([]);
  });

  test.prop([arbitraryShape, fc.array(configWrite, { maxLength: 20 })], { numRuns: 50 })(
    'enumeration after any config writes leaves the same as before them',
    (shape, writes) => {
      const fabric = buildShape(shape);
      enable(fabric);
      const before = fabric.functions().map((fn) => `${fn.name} ${JSON.stringify(claims(fn))}`);
      for (const { at, offset, width, value } of writes) pick(fabric.functions(), at).writeConfig(offset, width, value);
      enumerateFabric(fabric);
      expect(inconsistencies(fabric)).toEqual([]);
      expect(fabric.functions().map((fn) => `${fn.name} ${JSON.stringify(claims(fn))}`)).toEqual(before);
    },
  );

  test.prop([arbitraryShape, fc.array(fc.tuple(configWrite, request), { maxLength: 20 })], { numRuns: 50 })(
    'a request ends, and only where the bytes of config space let it',
    (shape, steps) => {
      const fabric = buildShape(shape);
      enable(fabric);
      const buffer = new Uint8Array(9000);
      for (const [write, asked] of steps) {
        const functions = fabric.functions();
        const from = pick(functions, asked.at);
        const address = addressOf(fabric, asked);
        const { port } = from;
        const call = asked.isWrite ? (asked.translated ? port.writeTranslated : port.write) : port.read;
        expect(call.call(port, address, buffer, 0, asked.lengthBytes)).toBeLessThanOrEqual(0);
        port.interrupt(asked.near % 4);
        const { router } = fabric;
        router.wire[WIRE_ADDRESS] = address;
        const routed = router.route(from, asked.translated ? AT_TRANSLATED : AT_UNTRANSLATED, asked.isWrite, 1);
        if (routed === ROUTED_TO_FUNCTION && router.target !== null)
          expect(isReachable(from, router.target, address)).toBe(true);
        pick(functions, write.at).writeConfig(write.offset, write.width, write.value);
      }
    },
  );

  test.prop([arbitraryShape, fc.array(fc.tuple(configWrite, request), { maxLength: 20 })], { numRuns: 50 })(
    'the way worked out beforehand is the way that port by port would go, counters included',
    (shape, steps) => {
      const fabric = buildShape(shape);
      enable(fabric);
      const { router } = fabric;
      for (const [write, asked] of steps) {
        const functions = fabric.functions();
        const from = pick(functions, asked.at);
        const address = addressOf(fabric, asked);
        const outcomes = [-1, from.rid].map((forged) => {
          const before = countersOf(fabric);
          from.forgedRequesterId = forged; // its own id, but forged: asks every port
          router.wire[WIRE_ADDRESS] = address;
          const routed = router.route(from, AT_UNTRANSLATED, asked.isWrite, 1);
          const details =
            routed === ROUTED_TO_FUNCTION
              ? [router.target?.name, router.targetBar, router.targetOffset]
              : router.wire[WIRE_PHYS];
          const counted = countersOf(fabric).map((count, i) => count - before[i]);
          return JSON.stringify([routed, routed < 0 ? 0 : details, counted]);
        });
        from.forgedRequesterId = -1;
        expect(outcomes[0]).toBe(outcomes[1]);
        pick(functions, write.at).writeConfig(write.offset, write.width, write.value);
      }
    },
  );
});
