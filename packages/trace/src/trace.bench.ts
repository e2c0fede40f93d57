import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { benchmarks, type Growth, type Kernel } from '@dmalab/bench';
import { encodeUtf8 } from './log/utf8.ts';
import { readTrace, TraceReader } from './reader/trace-reader.ts';
import { TraceRing } from './ring/trace-ring.ts';

const LINES = 1500;
const TRACE = new URL('../../integration/fixtures/traces/vtd-strict.trace.gz', import.meta.url);

/** Lines from the middle of a real trace: NVMe, block, DMA and IOMMU events in their usual mixture. */
function sampleText(): Uint8Array {
  const lines = gunzipSync(readFileSync(TRACE)).toString('latin1').split('\n');
  return encodeUtf8(`${lines.slice(3000, 3000 + LINES).join('\n')}\n`);
}

/** The least that any reader of the text does: look at every byte once. */
function scanner(): Kernel {
  const bytes = sampleText();
  return () => {
    let found = 0;
    // By pieces: one long loop would be measured half-optimised.
    for (let from = 0; from < bytes.length; from += 4096)
      found += scan(bytes, from, Math.min(bytes.length, from + 4096));
    if (found >>> 20 !== LINES) throw new Error(`${found >>> 20} lines`);
    return found;
  };
}

/** Newlines times 2^20, plus colons. */
function scan(bytes: Uint8Array, from: number, to: number): number {
  let newlines = 0;
  let colons = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i];
    if (byte === 10) newlines++;
    else if (byte === 58) colons++;
  }
  return newlines * 2 ** 20 + colons;
}

function reader(): Kernel {
  const bytes = sampleText();
  return () => {
    const { log, counts } = readTrace(bytes);
    if (log.length !== LINES || counts.notUnderstood !== 0) throw new Error(`${log.length} events`);
    return log.address(LINES - 1);
  };
}

/** A streaming reader that lives on, as in a replay of a long trace. */
function streamingReader(): Kernel {
  const bytes = sampleText();
  let events = 0;
  const seen = new TraceReader({ batchEvents: LINES, onBatch: ({ log }) => (events += log.length) });
  return () => {
    events = 0;
    seen.push(bytes);
    if (events !== LINES) throw new Error(`${events} events`);
    return events;
  };
}

const PAIRS = 4096;

function recorder(): Kernel {
  const ring = new TraceRing(8192);
  const device = ring.intern('0000:00:03.0');
  ring.on = true;
  return () => {
    const before = ring.recorded;
    for (let i = 0; i < PAIRS; i++) {
      ring.setTime(i);
      if (ring.on) ring.dmaMapPhys(device, 2, 0xfff00000, 4096, 0x1a37c000 + i, 0);
      if (ring.on) ring.dmaUnmapPhys(device, 2, 0xfff00000, 4096, 0);
    }
    if (ring.recorded - before !== 2 * PAIRS) throw new Error('events are missing');
    return ring.wide[0]!;
  };
}

/** The stores that such a record needs, and nothing else: 12 and 5 into two arrays. */
function stores(): Kernel {
  const narrow = new Int32Array(8192 * 18);
  const wide = new Float64Array(8192 * 5);
  return () => {
    for (let i = 0; i < 2 * PAIRS; i++) {
      for (let n = 0; n < 9; n++) narrow[i * 18 + n] = i + n;
      for (let n = 0; n < 5; n++) wide[i * 5 + n] = i + n;
    }
    return wide[0]! + narrow[4]!;
  };
}

export default benchmarks([
  {
    name: 'read text into a new log',
    operations: LINES,
    tested: reader,
    limitName: 'count newlines and colons',
    limit: scanner,
    atMost: 4,
    goal: 15,
  },
  {
    name: 'read text in batches',
    operations: LINES,
    tested: streamingReader,
    limitName: 'count newlines and colons',
    limit: scanner,
    atMost: 4,
    goal: 15,
  },
  {
    name: 'record an event',
    operations: 2 * PAIRS,
    tested: recorder,
    limitName: 'the stores alone',
    limit: stores,
    atMost: 2,
    goal: 23,
  },
]);

/** The same lines over and over, into one log that holds them all. */
function readerOf(lines: number): Kernel {
  const text = sampleText();
  return () => {
    const reader = new TraceReader();
    for (let read = 0; read < lines; read += LINES) reader.push(text);
    const { log } = reader.finish();
    if (log.length !== lines) throw new Error(`${log.length} events`);
    return log.address(lines - 1);
  };
}

export const growth: readonly Growth[] = [
  {
    name: 'read a line of a trace',
    of: 'lines in the trace',
    sizes: [LINES, 10 * LINES, 100 * LINES],
    operations: (lines) => lines,
    kernel: readerOf,
  },
];
