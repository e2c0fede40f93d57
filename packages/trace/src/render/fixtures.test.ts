import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readTrace } from '../reader/trace-reader.ts';
import { renderEvent } from './render-event.ts';
import { renderHeader } from './render-header.ts';

const folder = fileURLToPath(new URL('../../../integration/fixtures/traces/', import.meta.url));
const files = globSync(`${folder}*.trace.gz`).sort();

describe('traces of Linux 7.3', () => {
  it('are there', () => expect(files.length).toBeGreaterThanOrEqual(13));

  it.each(files.map((file) => [basename(file), file]))('D95 D96 N110 %s prints again byte for byte', (_, file) => {
    const bytes = gunzipSync(readFileSync(file));
    const lines = bytes.toString('latin1').split('\n');
    const { log, header, notes, counts, endsWithNewline } = readTrace(bytes);
    expect(notes).toEqual([]);
    expect(counts).toMatchObject({ unknownEvents: 0, notUnderstood: 0, blankLines: 0, lostMarkers: 0 });
    expect(log.length).toBe(header.entriesInBuffer);
    const printed = Array.from({ length: log.length }, (_, i) => renderEvent(log, i));
    expect([...header.lines, ...printed, ''].join('\n')).toBe(lines.join('\n'));
    expect(header.lines.join('\n')).toBe(renderHeader(header.entriesInBuffer, header.entriesWritten, header.cpus));
    expect(endsWithNewline).toBe(true);
  });
});
