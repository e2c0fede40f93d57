import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { GRANULE_SIZE } from './granule.ts';
import { PhysMemory } from './phys-memory.ts';

/** A window of 4 KiB across a border; offsets and lengths keep every operation inside it. */
const WINDOW = 4096;
const offset = fc.nat(WINDOW - 1024);
const lengthBytes = fc.nat(1023);

type Operation =
  | { kind: 'store8' | 'store16' | 'store32'; at: number; value: number }
  | { kind: 'write' | 'fill'; at: number; lengthBytes: number; value: number }
  | { kind: 'copy'; at: number; from: number; lengthBytes: number };

const value = fc.integer({ min: 0, max: 0xffffffff });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constantFrom('store8', 'store16', 'store32'), at: offset, value }),
  fc.record({ kind: fc.constantFrom('write', 'fill'), at: offset, lengthBytes, value }),
  fc.record({ kind: fc.constant('copy' as const), at: offset, from: offset, lengthBytes }),
);

/** The same on a plain array of bytes. */
function applyToModel(model: Uint8Array, op: Operation): void {
  if (op.kind === 'fill') model.fill(op.value, op.at, op.at + op.lengthBytes);
  else if (op.kind === 'write') for (let i = 0; i < op.lengthBytes; i++) model[op.at + i] = op.value + i;
  else if (op.kind === 'copy') model.set(model.slice(op.from, op.from + op.lengthBytes), op.at);
  else for (let i = 0; i < Number(op.kind.slice(5)) / 8; i++) model[op.at + i] = op.value >>> (8 * i);
}

function applyToMemory(memory: PhysMemory, base: number, op: Operation): void {
  const at = base + op.at;
  if (op.kind === 'fill') memory.fill(at, op.lengthBytes, op.value);
  else if (op.kind === 'write')
    memory.write(
      at,
      Uint8Array.from({ length: op.lengthBytes }, (_, i) => op.value + i),
    );
  else if (op.kind === 'copy') memory.copy(at, base + op.from, op.lengthBytes);
  else memory[op.kind](at, op.value);
}

const whereabouts = fc.constantFrom(
  { border: GRANULE_SIZE, spans: [] },
  { border: 2 ** 32, spans: [{ start: 2 ** 32 - GRANULE_SIZE, end: 2 ** 32 + 4095 }] }, // both sides in one arena
  { border: 2 ** 32, spans: [{ start: 2 ** 32, end: 2 ** 32 + 4095 }] }, // one side only
  { border: 2 ** 42, spans: [] },
);

test.prop([whereabouts, fc.array(operation, { minLength: 1, maxLength: 20 })], { numRuns: 100 })(
  'memory reads what was last written, across any granule border',
  ({ border, spans }, operations) => {
    const memory = new PhysMemory({ spans });
    const model = new Uint8Array(WINDOW);
    const base = border - WINDOW / 2;
    for (const op of operations) {
      applyToModel(model, op);
      applyToMemory(memory, base, op);
    }
    const seen = new Uint8Array(WINDOW);
    memory.read(base, seen);
    expect(seen).toEqual(model);
    const probes = Array.from({ length: 60 }, (_, i) => i * 61); // aligned and not
    const view = new DataView(model.buffer);
    expect(probes.map((i) => memory.load32(base + i))).toEqual(probes.map((i) => view.getUint32(i, true)));
    expect(probes.map((i) => memory.load8(base + i))).toEqual(probes.map((i) => model[i]));
  },
);
