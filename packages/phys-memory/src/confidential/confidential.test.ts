import { beforeEach, describe, expect, it } from 'vitest';
import { PhysMemory } from '../memory/phys-memory.ts';
import { ConfidentialDeviceView } from './device-view.ts';
import { SharedPages } from './shared-pages.ts';

const PAGE = 0x1234000;
let memory: PhysMemory;
let pages: SharedPages;
let device: ConfidentialDeviceView;

beforeEach(() => {
  memory = new PhysMemory();
  pages = new SharedPages(memory);
  device = new ConfidentialDeviceView(memory, pages);
});

function deviceReads(at: number, lengthBytes: number): number[] {
  const into = new Uint8Array(lengthBytes + 2);
  device.read(at, into, 1, lengthBytes);
  expect([into[0], into[lengthBytes + 1]]).toEqual([0, 0]);
  return [...into.subarray(1, lengthBytes + 1)];
}

describe('P64 pages of a confidential guest', () => {
  it('are private until whole pages are made shared', () => {
    expect(pages.isShared(PAGE)).toBe(false);
    expect(pages.setDecrypted(PAGE + 0x10, 4096)).toBe(true); // touches two pages
    expect([PAGE - 1, PAGE, PAGE + 0x1fff, PAGE + 0x2000].map((at) => pages.isShared(at))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    pages.setEncrypted(PAGE, 4096);
    expect([PAGE, PAGE + 0x1000].map((at) => pages.isShared(at))).toEqual([false, true]);
  });

  it('lose their contents in a change, and keep them where nothing changes', () => {
    memory.fill(PAGE, 4096, 0x5a);
    pages.setDecrypted(PAGE, 4096);
    const lost = memory.load32(PAGE);
    expect(lost).not.toBe(0x5a5a5a5a);
    memory.fill(PAGE, 4096, 0x5a);
    pages.setDecrypted(PAGE, 4096); // is shared already
    expect(memory.load32(PAGE)).toBe(0x5a5a5a5a);
  });

  it('are unusable after a change that failed', () => {
    pages.failNext = true;
    expect(pages.setDecrypted(PAGE, 8192)).toBe(false);
    expect([pages.isShared(PAGE), pages.isUnusable(PAGE + 0x1000), pages.isUnusable(PAGE + 0x2000)]).toEqual([
      false,
      true,
      false,
    ]);
    expect(pages.setDecrypted(PAGE + 0x2000, 1)).toBe(true);
  });
});

describe('P66 a device access', () => {
  it('to a shared page is ordinary', () => {
    pages.setDecrypted(PAGE, 4096);
    device.write(PAGE + 8, Uint8Array.of(1, 2, 3, 4), 1, 2);
    expect(memory.load16(PAGE + 8)).toBe(0x0302);
    expect(deviceReads(PAGE + 8, 2)).toEqual([2, 3]);
  });

  it('to a private page never delivers or leaves plaintext, the same way every time', () => {
    memory.write(PAGE, Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1));
    const seen = deviceReads(PAGE, 8);
    expect(seen.some((byte) => byte === 1)).toBe(false);
    expect(new Set(seen).size).toBeGreaterThan(4);
    expect(deviceReads(PAGE, 8)).toEqual(seen);
    device.write(PAGE, Uint8Array.of(7, 7, 7, 7));
    for (let i = 0; i < 4; i++) expect(memory.load8(PAGE + i)).not.toBe(7);
  });

  it('across a border is judged page by page', () => {
    pages.setDecrypted(PAGE, 1);
    memory.fill(PAGE + 4094, 4, 0x33);
    const seen = deviceReads(PAGE + 4094, 4);
    expect(seen.slice(0, 2)).toEqual([0x33, 0x33]);
    expect(seen.slice(2).includes(0x33)).toBe(false);
  });
});
