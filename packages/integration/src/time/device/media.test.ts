import { describe, expect, it } from 'vitest';
import { DEFAULT_COSTS } from '../costs/cost-table.ts';
import { MediaTiming } from './media.ts';

const STRIPE = 16384;
const media = (own = {}) =>
  new MediaTiming({ ...DEFAULT_COSTS, mediaReadNanos: 1000, mediaWriteNanos: 100, mediaUnits: 4, ...own });

describe('media of four dies', () => {
  it('read side by side what lies on different dies, and one after the other what lies on the same', () => {
    const disk = media();
    expect(disk.read(0, 0, 4096)).toBe(1000);
    expect(disk.read(0, STRIPE, 4096)).toBe(1000);
    expect(disk.read(10, 4096, 4096)).toBe(2000);
    expect(disk.read(10, 4 * STRIPE, 4096)).toBe(3000);
    expect(disk.busyNanos).toBe(4000);
  });

  it('read a large block with all dies that hold a part of it', () => {
    const disk = media();
    expect(disk.read(0, STRIPE - 512, 2 * STRIPE)).toBe(1000);
    expect(disk.busyNanos).toBe(3000);
  });

  it('have a write safe after its latency, and are held by it as long as the bandwidth says', () => {
    const disk = media({ mediaWriteBytesPerSecond: 4e9 }); // a byte a nanosecond and die
    expect(disk.write(0, 0, 4096)).toBe(100);
    expect(disk.write(0, 0, 4096)).toBe(4096 + 100);
    expect(disk.read(0, 8192, 512)).toBe(2 * 4096 + 1000);
  });
});
