import { fc, test } from '@fast-check/vitest';
import { beforeEach, describe, expect, it } from 'vitest';
import { PhysMemory } from '../memory/phys-memory.ts';
import { StoreBuffer } from './store-buffer.ts';

const BODY = 0x1000;
const OWNED = 0x1008; // the flag that gives a descriptor to the device

let memory: PhysMemory; // what the device sees
let cpu: StoreBuffer;

beforeEach(() => {
  memory = new PhysMemory();
  cpu = new StoreBuffer(memory);
});

describe('P78 stores to coherent memory', () => {
  it('P81 without a barrier, the device may see the ownership flag before the body of the descriptor', () => {
    cpu.store32(BODY, 0xb0d1);
    cpu.store8(OWNED, 1);
    expect(cpu.drainOne((candidates) => candidates - 1)).toBe(true);
    expect([memory.load8(OWNED), memory.load32(BODY)]).toEqual([1, 0]);
  });

  it('with a barrier between them it may not', () => {
    cpu.store32(BODY, 0xb0d1);
    cpu.writeBarrier();
    cpu.store8(OWNED, 1);
    cpu.drainOne((candidates) => candidates - 1);
    expect([memory.load8(OWNED), memory.load32(BODY)]).toEqual([0, 0xb0d1]);
    expect(cpu.pendingStores).toBe(1);
  });

  it('a barrier alone makes nothing visible, a doorbell everything', () => {
    cpu.store16(BODY, 0x0201);
    cpu.writeBarrier();
    cpu.write(OWNED, Uint8Array.of(0, 7, 0), 1, 1);
    expect([memory.load16(BODY), memory.load8(OWNED)]).toEqual([0, 0]);
    cpu.doorbell();
    expect([memory.load16(BODY), memory.load8(OWNED)]).toEqual([0x0201, 7]);
    expect(cpu.drainOne(() => 0)).toBe(false);
  });

  it('the CPU sees its own stores at once, newest first', () => {
    memory.store32(BODY, 0x44332211);
    cpu.store16(BODY + 1, 0xbbaa);
    cpu.store8(BODY + 2, 0xcc);
    const into = new Uint8Array(4);
    cpu.read(BODY, into);
    expect([...into]).toEqual([0x11, 0xaa, 0xcc, 0x44]);
    expect([cpu.load32(BODY), cpu.load16(BODY + 1)]).toEqual([0x44ccaa11, 0xccaa]);
  });
});

const store = fc.record({ at: fc.nat(12), value: fc.integer({ min: 0, max: 0xffff }), isBarrier: fc.boolean() });

test.prop([fc.array(store, { maxLength: 12 }), fc.array(fc.nat(), { minLength: 12, maxLength: 12 })], { numRuns: 100 })(
  'whatever order the stores drain in, memory ends as the CPU saw it',
  (stores, picks) => {
    const target = new PhysMemory();
    const buffer = new StoreBuffer(target);
    for (const { at, value, isBarrier } of stores) {
      buffer.store16(at, value);
      if (isBarrier) buffer.writeBarrier();
    }
    const seen = new Uint8Array(16);
    buffer.read(0, seen);
    for (const pick of picks) buffer.drainOne((candidates) => pick % candidates);
    const ended = new Uint8Array(16);
    target.read(0, ended);
    expect(buffer.pendingStores).toBe(0);
    expect(ended).toEqual(seen);
  },
);
