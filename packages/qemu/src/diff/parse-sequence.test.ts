import { describe, expect, it } from 'vitest';
import { parseSequence, SequenceError } from './parse-sequence.ts';

describe('a sequence', () => {
  it('is read line by line, without its comments', () => {
    const { unit, steps } = parseSequence(
      'unit vtd # whose registers\n\nreadl 0x8\nwritel 0x20 4096\nwrite 0x1000 00ff\nread 0x1000 2\nclock 10\ndma 00:04.0 w 0x200\n',
    );
    expect(unit).toBe('vtd');
    expect(steps.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8]);
    expect(steps.map(({ operation }) => operation)).toEqual([
      { kind: 'readl', offset: 8 },
      { kind: 'writel', offset: 0x20, value: 4096 },
      { kind: 'write', at: 0x1000, bytes: Uint8Array.of(0, 255) },
      { kind: 'read', at: 0x1000, lengthBytes: 2 },
      { kind: 'clock', nanoseconds: 10 },
      { kind: 'dma', rid: 0x20, isWrite: true, iova: 0x200 },
    ]);
  });

  it.each([
    ['', 'line 1: the sequence is empty'],
    ['readl 0', 'line 1: "readl 0" names no unit'],
    ['unit amd', 'line 1: "unit amd" names no unit'],
    ['unit vtd\npeek 1', 'line 2: "peek" is no operation'],
    ['unit vtd\n\nreadl', 'line 3: "" is no number'],
    ['unit vtd\nreadl 6', 'line 2: register 0x6'],
    ['unit vtd\nwritel 0x20 0x100000000', 'line 2: "0x100000000" is no number below 0x100000000'],
    ['unit vtd\nwrite 0x1000 abc', 'line 2: "abc" are no bytes'],
    ['unit vtd\nread 0x1000 -1', 'line 2: "-1" is no number'],
    ['unit vtd\ndma 00:04.0 x 0', 'line 2: "x" is no direction'],
    ['unit vtd\ndma 4 r 0', 'line 2: "4" is no PCI address'],
    ['unit vtd\ndma 00:04.0 r 100', 'line 2: 0x64 is no multiple of 512'],
  ])('%j is refused: %s', (text, message) => {
    expect(() => parseSequence(text)).toThrow(SequenceError);
    expect(() => parseSequence(text)).toThrow(message);
  });
});
