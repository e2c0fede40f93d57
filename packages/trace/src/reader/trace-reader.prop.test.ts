import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { eventAt } from '../log/event-at.ts';
import { encodeUtf8 } from '../log/utf8.ts';
import { renderEvent } from '../render/render-event.ts';
import { TraceRing } from '../ring/trace-ring.ts';
import { recordReads } from '../testing/sample-events.ts';
import type { Trace } from './trace.ts';
import { readTrace, TraceReader } from './trace-reader.ts';

function sample(): Uint8Array {
  const ring = new TraceRing(64);
  recordReads(ring, 4);
  const { log } = ring.toLog();
  const lines = Array.from({ length: log.length }, (_, i) => renderEvent(log, i));
  return encodeUtf8(`# tracer: nop\nnonsense\n${lines.join('\n')}\ncut`);
}

function events({ log }: Trace): unknown[] {
  return Array.from({ length: log.length }, (_, i) => eventAt(log, i));
}

const bytes = sample();

test.prop([fc.array(fc.nat({ max: bytes.length }), { maxLength: 20 })], { numRuns: 200 })(
  'where a file is cut into chunks makes no difference',
  (cuts) => {
    const reader = new TraceReader();
    let from = 0;
    for (const to of [...cuts.sort((a, b) => a - b), bytes.length]) {
      reader.push(bytes.slice(from, to));
      from = to;
    }
    const pieces = reader.finish();
    const whole = readTrace(bytes);
    expect({ ...pieces, log: undefined }).toEqual({ ...whole, log: undefined });
    expect(events(pieces)).toEqual(events(whole));
  },
);

test.prop(
  [fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 })],
  {
    numRuns: 500,
  },
)('every line of a damaged file is an event, a note, a header line or blank', (damage) => {
  const damaged = bytes.slice();
  for (const [at, byte] of damage) damaged[at] = byte;
  const { counts, notes, header, log } = readTrace(damaged);
  expect(log.length).toBe(counts.events);
  expect(counts.events + notes.length + header.lines.length + counts.blankLines).toBe(counts.lines);
});
