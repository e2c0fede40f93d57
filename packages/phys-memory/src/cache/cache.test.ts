import { fc, test } from '@fast-check/vitest';
import { beforeEach, describe, expect, it } from 'vitest';
import { PhysMemory } from '../memory/phys-memory.ts';
import { ARC_MAINTENANCE, ARM64_MAINTENANCE, CacheMaintenance } from './cache-maintenance.ts';
import { CoherentPort } from './coherent-port.ts';
import { CpuCache } from './cpu-cache.ts';
import { Direction } from './direction.ts';
import { OwnershipChecker } from './ownership.ts';

const { TO_DEVICE, FROM_DEVICE, BIDIRECTIONAL } = Direction;
const BUFFER = 0x10000;
const SIZE = 256;

let memory: PhysMemory; // what the device sees
let cpu: CpuCache;
let arch: CacheMaintenance;

beforeEach(() => {
  memory = new PhysMemory();
  cpu = new CpuCache(memory);
  arch = new CacheMaintenance(cpu);
});

function map(dir: number, at = BUFFER, size = SIZE): void {
  arch.forDevice(at, size, dir);
  arch.flush();
}

function unmap(dir: number, at = BUFFER, size = SIZE): void {
  arch.forCpu(at, size, dir);
  arch.flush();
}

describe('P96 with every step done', () => {
  it('the device reads what the CPU stored before the map, and not what it stored after', () => {
    cpu.store8(BUFFER, 0xaa);
    map(TO_DEVICE);
    expect(memory.load8(BUFFER)).toBe(0xaa);
    cpu.store8(BUFFER, 0xbb);
    expect(memory.load8(BUFFER)).toBe(0xaa);
    map(TO_DEVICE); // sync for device does the same
    expect(memory.load8(BUFFER)).toBe(0xbb);
  });

  it('the CPU reads what the device wrote after unmap, and not before', () => {
    memory.store8(BUFFER, 1);
    map(FROM_DEVICE);
    expect(cpu.load8(BUFFER)).toBe(1);
    memory.store8(BUFFER, 2);
    expect(cpu.load8(BUFFER)).toBe(1);
    unmap(FROM_DEVICE);
    expect(cpu.load8(BUFFER)).toBe(2);
  });
});

describe('P75 a step that is missing shows', () => {
  it('a, f: TO_DEVICE without clean, the device reads old memory and the new bytes sit in a dirty line', () => {
    cpu.store32(BUFFER, 0x12345678);
    expect([memory.load32(BUFFER), cpu.stateOf(BUFFER)]).toEqual([0, 'dirty']);
  });

  it('b: FROM_DEVICE without clean at map, an evicted dirty line overwrites what the device wrote', () => {
    cpu.store8(BUFFER + 5, 0x11);
    memory.fill(BUFFER, 64, 0xdd); // the DMA
    cpu.evict(BUFFER);
    unmap(FROM_DEVICE);
    expect([cpu.load8(BUFFER), cpu.load8(BUFFER + 5)]).toEqual([0, 0x11]);
  });

  it('c: FROM_DEVICE without invalidate at unmap, the CPU reads the old cached bytes', () => {
    cpu.load8(BUFFER);
    map(FROM_DEVICE);
    memory.fill(BUFFER, 64, 0xdd);
    expect(cpu.load8(BUFFER)).toBe(0);
  });

  it('d: a line that the CPU prefetched between map and unmap needs the invalidate though it was never dirty', () => {
    map(FROM_DEVICE);
    cpu.prefetch(BUFFER);
    memory.fill(BUFFER, 64, 0xdd);
    expect([cpu.stateOf(BUFFER), cpu.load8(BUFFER)]).toEqual(['clean', 0]);
    unmap(FROM_DEVICE);
    expect(cpu.load8(BUFFER)).toBe(0xdd);
  });

  it('e: a neighbour in the same line, written while mapped, costs the device its data', () => {
    map(FROM_DEVICE, BUFFER + 32, 32); // the second half of a line
    memory.fill(BUFFER + 32, 32, 0xdd);
    cpu.store8(BUFFER, 0x77); // the neighbour: the line now holds the buffer's bytes too
    memory.fill(BUFFER + 32, 32, 0xee); // the device writes again
    unmap(FROM_DEVICE, BUFFER + 32, 32);
    expect([cpu.load8(BUFFER), cpu.load8(BUFFER + 32)]).toEqual([0x77, 0xdd]); // 0xee is lost
  });

  it('a forgotten barrier: no operation has happened', () => {
    cpu.store8(BUFFER, 0xaa);
    arch.forDevice(BUFFER, SIZE, TO_DEVICE);
    expect(memory.load8(BUFFER)).toBe(0);
    arch.flush();
    expect(memory.load8(BUFFER)).toBe(0xaa);
  });
});

describe('P72 maintenance', () => {
  it('cleans every touched line and keeps it', () => {
    for (const at of [BUFFER, BUFFER + 64, BUFFER + 128]) cpu.store8(at, 1);
    cpu.clean(BUFFER + 63, 2); // the last byte of one line, the first of the next
    expect([0, 64, 128].map((o) => cpu.stateOf(BUFFER + o))).toEqual(['clean', 'clean', 'dirty']);
    expect([0, 64, 128].map((o) => memory.load8(BUFFER + o))).toEqual([1, 1, 0]);
  });

  it('invalidates whole lines without a write-back, partial ones with', () => {
    for (const at of [BUFFER, BUFFER + 64, BUFFER + 128]) cpu.store8(at, 1);
    cpu.invalidate(BUFFER + 32, 128);
    expect(cpu.lines()).toEqual([]);
    expect([0, 64, 128].map((o) => memory.load8(BUFFER + o))).toEqual([1, 0, 1]);
  });

  it('flushes: written back and gone', () => {
    cpu.store8(BUFFER + 64, 1);
    cpu.flush(BUFFER + 64, 64);
    expect([cpu.stateOf(BUFFER + 64), memory.load8(BUFFER + 64)]).toEqual(['absent', 1]);
  });

  it.each([
    ['arm64', ARM64_MAINTENANCE, TO_DEVICE, 'clean', 'clean'],
    ['arm64', ARM64_MAINTENANCE, FROM_DEVICE, 'clean', 'absent'],
    ['arm64', ARM64_MAINTENANCE, BIDIRECTIONAL, 'clean', 'absent'],
    ['ARC', ARC_MAINTENANCE, FROM_DEVICE, 'absent', 'absent'],
    ['ARC', ARC_MAINTENANCE, BIDIRECTIONAL, 'absent', 'absent'],
  ] as const)('P73 %s: %# leaves a dirty line as the table says', (_, table, dir, afterMap, afterUnmap) => {
    arch = new CacheMaintenance(cpu, table);
    cpu.store8(BUFFER, 1);
    map(dir);
    expect(cpu.stateOf(BUFFER)).toBe(afterMap);
    unmap(dir);
    expect(cpu.stateOf(BUFFER)).toBe(afterUnmap);
  });

  it('has lines of another size, and only powers of two', () => {
    const wide = new CpuCache(memory, 128);
    wide.store8(BUFFER + 127, 1);
    expect(wide.lines()).toEqual([BUFFER]);
    expect(() => new CpuCache(memory, 96)).toThrow('a cache line is a power of two, not 96 bytes');
  });
});

describe('P70 a coherent device', () => {
  it('sees dirty lines and makes the CPU see its own writes without maintenance', () => {
    const device = new CoherentPort(cpu, memory);
    cpu.store8(BUFFER, 1);
    const into = new Uint8Array(4);
    device.read(BUFFER, into);
    expect(into[0]).toBe(1);
    cpu.store8(BUFFER + 8, 2);
    device.write(BUFFER, Uint8Array.of(9, 9, 9, 9));
    expect([cpu.load32(BUFFER), cpu.load8(BUFFER + 8)]).toEqual([0x09090909, 2]);
  });
});

const cpuStep = fc.record({ at: fc.nat(300), value: fc.integer({ min: 0, max: 255 }), isStore: fc.boolean() });
const disturbance = fc.record({ line: fc.nat(4), isEviction: fc.boolean() });

test.prop([fc.array(fc.tuple(cpuStep, disturbance), { maxLength: 60 })], { numRuns: 60 })(
  'P71 evictions and prefetches at any moment are invisible to a CPU that is alone',
  (steps) => {
    const alone = new CpuCache(new PhysMemory(), 64);
    const model = new Uint8Array(301);
    for (const [{ at, value, isStore }, { line, isEviction }] of steps) {
      if (isStore) alone.store8(at, value);
      if (isStore) model[at] = value;
      if (isEviction) alone.evict(line * 64);
      else alone.prefetch(line * 64);
      expect(alone.load8(at)).toBe(model[at]);
    }
    const seen = new Uint8Array(301);
    alone.read(0, seen);
    expect(seen).toEqual(model);
  },
);

describe('P76 ownership', () => {
  const device = (at: number, isWrite: boolean) => ({ by: 'device', at, isWrite });

  it.each([
    ['CPU access while mapped', FROM_DEVICE, (o: OwnershipChecker) => o.cpuAccess(BUFFER + 4, 4, false), 'cpu'],
    ['device access after sync for CPU', BIDIRECTIONAL, lend, 'device'],
    [
      'device write of a TO_DEVICE buffer',
      TO_DEVICE,
      (o: OwnershipChecker) => o.deviceAccess(BUFFER, 1, true),
      'device',
    ],
    [
      'device read of a FROM_DEVICE buffer',
      FROM_DEVICE,
      (o: OwnershipChecker) => o.deviceAccess(BUFFER, 1, false),
      'device',
    ],
  ])('reports %s', (_, dir, misuse, by) => {
    const ownership = new OwnershipChecker();
    ownership.map(BUFFER, SIZE, dir);
    misuse(ownership);
    expect(ownership.violations.map((violation) => violation.by)).toEqual([by]);
  });

  function lend(ownership: OwnershipChecker): void {
    ownership.syncForCpu(BUFFER, 8);
    ownership.cpuAccess(BUFFER, 8, true);
    ownership.deviceAccess(BUFFER, 8, true);
  }

  it('is silent about correct use and about other memory', () => {
    const ownership = new OwnershipChecker();
    ownership.map(BUFFER, SIZE, FROM_DEVICE);
    ownership.deviceAccess(BUFFER, SIZE, true);
    ownership.cpuAccess(BUFFER + SIZE, 4, true);
    ownership.syncForCpu(BUFFER, SIZE);
    ownership.cpuAccess(BUFFER, 4, false);
    ownership.syncForDevice(BUFFER, SIZE);
    ownership.deviceAccess(BUFFER, 4, true);
    ownership.unmap(BUFFER, SIZE);
    ownership.cpuAccess(BUFFER, 4, true);
    expect(ownership.violations).toEqual([]);
    expect(() => ownership.unmap(BUFFER, SIZE)).toThrow('no buffer of 256 bytes is mapped at 0x10000');
  });

  it('names the access', () => {
    const ownership = new OwnershipChecker();
    ownership.map(BUFFER, SIZE, TO_DEVICE);
    ownership.deviceAccess(BUFFER + 8, 4, true);
    expect(ownership.violations[0]).toMatchObject(device(BUFFER + 8, true));
  });
});
