import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AddressMap } from './address-map.ts';
import { AddressMapError } from './address-map-error.ts';
import { classify } from './classify.ts';
import { addressMapFromFirmware } from './firmware-map.ts';
import { extractIomem, formatIomem, parseIomem } from './iomem.ts';
import { q35AddressMap } from './q35-map.ts';

const iomem1GiB = readFileSync(new URL('../../fixtures/q35-1gib.iomem.txt', import.meta.url), 'utf8');
const map1GiB = parseIomem(iomem1GiB);

describe('RAM of a map', () => {
  it('P7 shrinks 0x1000-0x9fbff to the pages 1 to 0x9e', () => {
    expect(map1GiB.ramPages()[0]).toEqual({ first: 1, last: 0x9e });
    const crumbs = new AddressMap([{ start: 0x1001, end: 0x2ffe, name: 'System RAM' }]);
    expect(crumbs.ramPages()).toEqual([]);
    expect([crumbs.maxPfn(), crumbs.requiredMask()]).toEqual([0, 0]);
  });

  it('P10 P92 asks 0x3fffffff of a device on the 1 GiB machine and 0x1ffffffff on the 5 GiB machine', () => {
    expect(map1GiB.maxPfn()).toBe(0x3ffd7);
    expect(map1GiB.requiredMask()).toBe(0x3fffffff);
    const map5GiB = q35AddressMap(5 * 2 ** 30, 0x21000);
    expect(map5GiB.ramPages().map(({ last }) => last)).toEqual([0x9e, 0x7ffde, 0x1bffff]);
    expect(map5GiB.requiredMask()).toBe(0x1ffffffff);
  });

  it('names the first byte that is not RAM when a range must be', () => {
    expect(() => map1GiB.requireRam(0x100000, 0x3ffd6fff, 'pool')).not.toThrow();
    expect(() => map1GiB.requireRam(0x3ffd0000, 0x3ffdffff, 'pool')).toThrow(
      '3ffd0000-3ffdffff : pool: 0x3ffd7000 is Reserved, not System RAM',
    );
    const holed = new AddressMap([{ start: 0, end: 0xfff, name: 'System RAM' }]);
    expect(() => holed.requireRam(0, 0x1fff, 'pool')).toThrow('0x1000 is a hole');
  });
});

describe('P8 classes of addresses', () => {
  it.each([
    [0x0, 'firmware', 'Reserved'],
    [0x5000, 'ram', 'System RAM'],
    [0x9f000, 'ram', 'System RAM'], // bytes of RAM, though its page is none (spec P7)
    [0xa0000, 'window', 'PCI Bus 0000:00'],
    [0xc0000, 'firmware', 'Video ROM'],
    [0xd0000, 'hole', undefined],
    [0x1a000000, 'kernel', 'Kernel code'],
    [0x1a3d4000, 'ram', 'System RAM'],
    [0x3ffd7000, 'firmware', 'Reserved'],
    [0xb0000000, 'mmio', 'PNP0C01:00'],
    [0xc0000000, 'window', 'PCI Bus 0000:00'],
    [0xfec00010, 'mmio', 'IOAPIC 0'],
    [0x1_0000_0000, 'hole', undefined],
  ])('%# 0x%x is %s (%s)', (at, kind, name) => {
    const found = classify(map1GiB, at);
    expect([found.kind, 'range' in found ? found.range.name : undefined]).toEqual([kind, name]);
  });

  it('finds the device and the offset of a BAR below its driver', () => {
    const found = classify(map1GiB, 0xfebd4018);
    expect(found).toMatchObject({ kind: 'bar', device: '0000:00:03.0', offset: 0x18 });
    expect(map1GiB.pathTo(0xfebd4018).map(({ name }) => name)).toEqual(['PCI Bus 0000:00', '0000:00:03.0', 'nvme']);
  });

  it('tells RAM set aside at boot from RAM', () => {
    const map = new AddressMap([
      { start: 0, end: 0xffffff, name: 'System RAM' },
      { start: 0x100000, end: 0x1fffff, name: 'initrd', kind: 'boot-reserved' },
    ]);
    expect(classify(map, 0x1fffff).kind).toBe('boot-reserved');
    expect(classify(map, 0x200000).kind).toBe('ram');
  });
});

describe('/proc/iomem', () => {
  it('is read and printed back byte for byte', () => {
    expect(formatIomem(map1GiB)).toBe(iomem1GiB);
  });

  it('is found in a boot log', () => {
    const log = `hello\n${iomem1GiB}[    0.000000] BIOS-e820: [mem 0x0-0x9fbff] System RAM\n`;
    expect(formatIomem(parseIomem(extractIomem(log)))).toBe(iomem1GiB);
  });

  it.each([
    ['ERR_IOMEM_SYNTAX', 'line 1 "rubbish"', 'rubbish'],
    ['ERR_IOMEM_SYNTAX', 'as root', '00000000-00000000 : System RAM\n  00000000-00000000 : Kernel code'],
    ['ERR_RANGE_OVERLAP', '00001000-00002fff : b: overlaps 00000000-00001fff : a', '0-1fff : a\n1000-2fff : b'],
    ['ERR_RANGE_OVERLAP', '00000000-00001fff : b: overlaps 00001000', '1000-2fff : a\n0-1fff : b'],
    ['ERR_RANGE_OVERLAP', '00000000-00003fff : b: overlaps', '1000-1fff : a\n0-3fff : b'],
    ['ERR_RANGE_INVALID', '00002000-00001fff : a: must run upwards', '2000-1fff : a'],
    ['ERR_RANGE_INVALID', 'must run upwards inside 0 to 2^52 - 1', '0-ffffffffffffffff : a'],
    ['ERR_RANGE_INVALID', 'is indented below 00000000-00000fff : a', '0-fff : a\n  1000-1fff : b'],
    ['ERR_RANGE_UNALIGNED', 'starts and ends on multiples of 0x1000', '800-fff : PCI Bus 0000:00'],
    ['ERR_RANGE_UNALIGNED', 'starts and ends on multiples of 0x10', 'fe000000-fe000003 : 0000:00:01.0'],
    ['ERR_RANGE_UNALIGNED', '00080000-000fffff : PCI ECAM', '80000-fffff : PCI ECAM 0000 [bus 00-00]'],
  ])('is refused with %s: %s', (code, message, text) => {
    expect(() => parseIomem(text)).toThrow(AddressMapError);
    expect(() => parseIomem(text)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});

describe('P6 firmware map', () => {
  it('turns the first page to reserved and removes 0xa0000-0xfffff from RAM', () => {
    const map = addressMapFromFirmware([
      { start: 0, end: 0xbffff, type: 'ram' },
      { start: 0xf0000, end: 0xfffff, type: 'reserved' },
      { start: 0x100000, end: 0x3ffd6fff, type: 'ram' },
    ]);
    expect(formatIomem(map)).toBe(
      `00000000-00000fff : Reserved
00001000-0009ffff : System RAM
000f0000-000fffff : Reserved
00100000-3ffd6fff : System RAM
`,
    );
  });
});

describe('P9 q35', () => {
  it('places the RAM, the windows and the reserved ranges of the 1 GiB machine as its own kernel saw them', () => {
    const outline = (map: AddressMap) =>
      map.ranges.filter(({ name }) => !/ROM/.test(name)).map((r) => [r.start, r.end]);
    const known = outline(map1GiB); // the fixture stops at the IOAPIC
    const ours = outline(q35AddressMap(2 ** 30));
    expect(ours.slice(0, known.length)).toEqual(known);
    expect(ours.slice(known.length)).toEqual([
      [0xfed1c000, 0xfed1ffff],
      [0xfffc0000, 0xffffffff],
      [0xfd00000000, 0xffffffffff],
    ]);
  });

  it('refuses a size that the machine cannot have', () => {
    expect(() => q35AddressMap(2 ** 20)).toThrow('at least 16 MiB');
    expect(() => q35AddressMap(2 ** 30 + 1)).toThrow('multiple of 1 MiB');
  });
});
