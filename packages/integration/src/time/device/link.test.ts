import { describe, expect, it } from 'vitest';
import { DEFAULT_COSTS } from '../costs/cost-table.ts';
import { Link } from './link.ts';

/** 8 GT/s, 4 lanes, 128b/130b. */
const NANOS_PER_BYTE = (8 * 130) / 128 / 32;

describe('a link', () => {
  it('sends a page in 16 packets of 256 + 24 bytes, and is there one way later', () => {
    const link = new Link(DEFAULT_COSTS, 0);
    expect(link.write(1000, 4096)).toBeCloseTo(1000 + 16 * 280 * NANOS_PER_BYTE + 250, 6);
    expect(link.busyUpNanos).toBeCloseTo(16 * 280 * NANOS_PER_BYTE, 6);
  });

  it('sends one thing after the other', () => {
    const link = new Link(DEFAULT_COSTS, 0);
    link.write(0, 4096);
    expect(link.write(0, 256)).toBeCloseTo((16 + 1) * 280 * NANOS_PER_BYTE + 250, 6);
  });

  it('asks for a page in 8 requests, and has it a round trip and its packets later; both ways at once', () => {
    const link = new Link(DEFAULT_COSTS, 0);
    const done = 8 * 24 * NANOS_PER_BYTE + 550 + 16 * 280 * NANOS_PER_BYTE;
    expect(link.read(0, 4096)).toBeCloseTo(done, 6);
    expect(link.write(0, 256)).toBeCloseTo((8 * 24 + 280) * NANOS_PER_BYTE + 250, 6);
  });

  it('pays for a switch once to write and twice to read', () => {
    const [plain, switched] = [new Link(DEFAULT_COSTS, 0), new Link(DEFAULT_COSTS, 1)];
    expect(switched.write(0, 64) - plain.write(0, 64)).toBeCloseTo(110, 6);
    expect(switched.read(9999, 64) - plain.read(9999, 64)).toBeCloseTo(220, 6);
  });

  it.each([
    [2.5, 1, 0.25e9],
    [5, 4, 2e9],
    [16, 4, 7.876923e9],
    [32, 16, 63.015384e9],
  ])('carries at %d GT/s on %d lanes %d bytes a second', (linkGigatransfers, linkLanes, bytesPerSecond) => {
    const link = new Link({ ...DEFAULT_COSTS, linkGigatransfers, linkLanes, packetBytes: 0, linkWriteNanos: 0 }, 0);
    expect(link.write(0, 2 ** 20)).toBeCloseTo((2 ** 20 / bytesPerSecond) * 1e9, 0);
  });
});
