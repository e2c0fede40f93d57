import { PhysMemory } from '@dmalab/phys-memory';
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { DMA_ATTR_SKIP_CPU_SYNC, DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, DMA_TO_DEVICE } from '../constants.ts';
import { SwiotlbPool } from '../pool/pool.ts';
import { deviceKinds } from '../testing/scenarios.ts';
import { Swiotlb } from './swiotlb.ts';

const LENGTH = 6000; // three slots and a bit, so that a sync may begin in any of them
const part = fc.record({ from: fc.nat(LENGTH - 1), length: fc.integer({ min: 1, max: LENGTH }) });
const action = fc.oneof(
  fc.record({ act: fc.constantFrom('cpuWrites', 'deviceWrites'), part, byte: fc.nat(255) }),
  fc.record({ act: fc.constantFrom('syncForCpu', 'syncForDevice'), part, byte: fc.constant(0) }),
);

test.prop(
  [
    fc.constantFrom(DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE),
    fc.nat(deviceKinds.length - 1),
    fc.nat(4095),
    fc.constantFrom(0, 4095),
    fc.array(action, { maxLength: 12 }),
    fc.constantFrom(0, DMA_ATTR_SKIP_CPU_SYNC),
  ],
  { numRuns: 100 },
)(
  'S61 to S66 both sides see exactly what the copies carried, in any order of stores and syncs',
  (dir, kind, at, aam, actions, attrs) => {
    const device = deviceKinds[kind];
    const memory = new PhysMemory();
    const swiotlb = new Swiotlb({ memory, pool: new SwiotlbPool({ start: 0x10000000, slotCount: 256 }) });
    const orig = 0x5000000 + at;
    const mine = Uint8Array.from({ length: LENGTH }, (_, k) => k * 7);
    memory.write(orig, mine);
    const bounce = swiotlb.tblMapSingle(device, orig, LENGTH, aam, dir, 0, 0);
    const theirs = mine.slice();
    for (const { act, part, byte } of actions) {
      const length = Math.min(part.length, LENGTH - part.from);
      const end = part.from + length;
      if (act === 'cpuWrites') {
        memory.fill(orig + part.from, length, byte);
        mine.fill(byte, part.from, end);
      } else if (act === 'deviceWrites') {
        memory.fill(bounce + part.from, length, byte);
        theirs.fill(byte, part.from, end);
      } else if (act === 'syncForCpu') {
        swiotlb.syncForCpu(device, bounce + part.from, length, dir);
        if (dir !== DMA_TO_DEVICE) mine.set(theirs.subarray(part.from, end), part.from);
      } else {
        swiotlb.syncForDevice(device, bounce + part.from, length, dir);
        if (dir !== DMA_FROM_DEVICE) theirs.set(mine.subarray(part.from, end), part.from);
      }
    }
    expect(bytesAt(memory, bounce)).toEqual(theirs);
    swiotlb.tblUnmapSingle(device, bounce, LENGTH, dir, attrs);
    const copiesBack = dir !== DMA_TO_DEVICE && attrs === 0;
    expect(bytesAt(memory, orig)).toEqual(copiesBack ? theirs : mine);
  },
);

function bytesAt(memory: PhysMemory, at: number): Uint8Array {
  const bytes = new Uint8Array(LENGTH);
  memory.read(at, bytes);
  return bytes;
}
