import { describe, expect, it } from 'vitest';
import { SmmuExample, EXAMPLE_STREAM as STREAM } from '../../testing/smmuv3-example.ts';
import { put64, putWords } from '../../testing/words.ts';
import { SMMU_PRESETS } from '../capabilities.ts';

const IOVA = 0x8080604000;
const CD = 0x0005e204c0003510n;
const { full } = SMMU_PRESETS;

function fullExample(): SmmuExample {
  return new SmmuExample({ ...full, idr5: SMMU_PRESETS.qemu.idr5 });
}

describe('two-level stream tables (spec H60)', () => {
  it.each([
    ['a span that covers the stream', 0x41000007n, 0x41400000, 0],
    ['a span that ends before it', 0x41000004n, -2, 2],
    ['span 0', 0x41000000n, -2, 2],
    ['a span wider than the split', 0x4100000an, -2, 2],
  ])('%s', (_, descriptor, result, event) => {
    const example = new SmmuExample();
    put64(example.memory, 0x41040000, descriptor);
    example.write64(0x80, 0x41040000n);
    example.unit.writeRegister(0x88, 0x10210);
    example.invalidateAll();
    expect(example.unit.translate(STREAM, IOVA, 1)).toBe(result);
    expect(example.takeEventId()).toBe(event);
  });

  it('QEMU takes a stream past the span for a bad entry, and stays with two levels until reset', () => {
    const example = new SmmuExample({ deviations: 'qemu' });
    put64(example.memory, 0x41000000, 0x41000004n);
    example.unit.writeRegister(0x88, 0x10210);
    example.invalidateAll();
    expect(example.unit.translate(STREAM, IOVA, 1)).toBe(-4);
    example.unit.writeRegister(0x88, 0x208);
    expect(example.unit.translate(STREAM, IOVA, 1)).toBe(-4);
  });

  it('a table that memory does not answer leaves the address of the fetch', () => {
    const example = new SmmuExample({ answers: (at) => at < 0x41000000 || at >= 0x41001000 });
    expect(example.unit.translate(STREAM, IOVA, 1)).toBe(-3);
    expect(example.takeEvent()).toBe('0000001800000003 0000000000000000 0000000000000000 0000000041000600');
  });
});

describe('substreams (spec H62, H70 step 5)', () => {
  const request = (example: SmmuExample, pasid?: number) =>
    example.unit.translateRequest({
      sourceId: STREAM,
      address: IOVA,
      access: 'write',
      ...(pasid === undefined ? {} : { pasid }),
    });

  /** Eight contexts in one table; that of substream 3 is the example's, under ASID 6. */
  function withSubstreams(qw0: bigint, dss: bigint): SmmuExample {
    const example = fullExample();
    putWords(example.memory, {
      '0x41000600': [qw0, 0xd4n | dss],
      '0x410100c0': [CD + (1n << 48n), 0x41100000n, 0n, 0xf404ff44n],
    });
    example.invalidateAll();
    return example;
  }
  const LINEAR = 0x4101000bn | (3n << 59n);

  it.each([
    ['terminates it', 0n, -6, 6],
    ['lets it bypass stage 1', 1n, IOVA, 0],
    ['gives it context 0', 2n, 0x41400000, 0],
  ])('a request without substream: S1DSS %s', (_, dss, result, event) => {
    const example = withSubstreams(LINEAR, dss);
    expect(request(example)).toBe(result);
    expect(example.takeEventId()).toBe(event);
  });

  it('a substream has its own context; its event names it', () => {
    const example = withSubstreams(LINEAR, 0n);
    expect(request(example, 3)).toBe(0x41400000);
    expect(request(example, 4)).toBe(-0xa);
    expect(example.takeEvent()).toMatch(/^000000180000480a /);
    expect(request(example, 8)).toBe(-8);
    expect(example.takeEvent()).toMatch(/^0000001800008808 /);
  });

  it('a stream without substreams refuses them', () => {
    const example = fullExample();
    expect(request(example, 1)).toBe(-8);
  });

  it.each([
    ['4 KiB', 1n, 0x41060008n, 67],
    ['64 KiB', 2n, 0x41060008n, 1027],
  ])('contexts in two levels of %s leaves', (_, format, descriptor, pasid) => {
    const example = withSubstreams(0x4106000bn | (format << 4n) | (11n << 59n), 0n);
    put64(example.memory, Number(descriptor), 0x41010001n);
    expect(request(example, pasid)).toBe(0x41400000);
    expect(request(example, 3)).toBe(-8);
  });

  it('contexts that memory does not answer: the address is in the fourth word, in QEMU in the third', () => {
    const answers = (at: number) => at < 0x41010000 || at >= 0x41011000;
    const fetched = (deviations: 'spec' | 'qemu') => {
      const example = new SmmuExample({ answers, deviations });
      expect(example.unit.translate(STREAM, IOVA, 1)).toBe(-9);
      return example.takeEvent();
    };
    const zero = '0000000000000000';
    expect(fetched('spec')).toBe(`0000001800000009 ${zero} ${zero} 0000000041010000`);
    expect(fetched('qemu')).toBe(`0000001800000009 ${zero} 0000000041010000 ${zero}`);
  });

  it('ATS of stage 1 alone, which the unit has not, makes a bad stream', () => {
    const example = fullExample();
    put64(example.memory, 0x41000608, 0xd4n | (2n << 28n));
    example.invalidateAll();
    expect(example.unit.translate(STREAM, IOVA, 1)).toBe(-4);
  });

  it('more contexts than the unit has substreams make a bad stream', () => {
    const example = new SmmuExample();
    put64(example.memory, 0x41000600, LINEAR);
    example.invalidateAll();
    expect(example.unit.translate(STREAM, IOVA, 1)).toBe(-4);
  });
});

describe('who asks, and for what (spec H61, H64)', () => {
  const ask = (example: SmmuExample, privileged: boolean, execute = false) =>
    example.unit.translateRequest({ sourceId: STREAM, address: IOVA, access: 'read', privileged, execute });

  it('a page without AP[1] is for privileged requests, and for all of QEMU', () => {
    for (const deviations of ['spec', 'qemu'] as const) {
      const example = new SmmuExample({ deviations });
      put64(example.memory, 0x41103020, 0x41400723n);
      expect(ask(example, true)).toBe(0x41400000);
      expect(ask(example, false)).toBe(deviations === 'spec' ? -0x13 : 0x41400000);
      if (deviations === 'spec') expect(example.takeEvent()?.slice(17, 33)).toBe('0000020800000000');
    }
  });

  it('PRIVCFG and INSTCFG say it in place of the request', () => {
    const example = new SmmuExample();
    put64(example.memory, 0x41103020, 0x41400723n);
    put64(example.memory, 0x41000608, 0xd4n | (3n << 48n));
    example.invalidateAll();
    expect(example.unit.translate(STREAM, IOVA, 0)).toBe(0x41400000);
    put64(example.memory, 0x41000608, 0xd4n | (2n << 48n));
    example.invalidateAll();
    expect(ask(example, true)).toBe(-0x13);
    put64(example.memory, 0x41103020, 0x0060000041400763n);
    put64(example.memory, 0x41000608, 0xd4n | (3n << 50n));
    example.invalidateAll();
    expect(example.unit.translate(STREAM, IOVA, 0)).toBe(-0x13);
    expect(example.unit.translate(STREAM, IOVA, 1)).toBe(0x41400000);
  });

  it.each([
    ['PXN', 0x0020000041400763n, [true, true]],
    ['UXN', 0x0040000041400763n, [true, false]],
    ['neither, writable by all', 0x0000000041400763n, [true, true]],
    ['neither, read-only', 0x00000000414007e3n, [false, true]],
  ])('executes with %s', (_, leaf, [privilegedFaults, userPasses]) => {
    const example = new SmmuExample();
    put64(example.memory, 0x41103020, leaf);
    expect([ask(example, true, true) < 0, ask(example, false, true) >= 0]).toEqual([privilegedFaults, userPasses]);
  });

  it.each([
    ['APTable[0] takes unprivileged access away', 1n << 61n, [-0x13, -0x13]],
    ['APTable[1] takes writing away', 2n << 61n, [0x41400000, -0x13]],
    ['neither counts with HAD0', 3n << 61n, [0x41400000, 0x41400000]],
  ])('%s', (name, table, expected) => {
    const example = new SmmuExample();
    put64(example.memory, 0x41102018, 0x41103003n | table);
    if (name.includes('HAD0')) put64(example.memory, 0x41010008, 0x41100002n);
    expect([0, 1].map((isWrite) => example.unit.translate(STREAM, IOVA, isWrite as 0 | 1))).toEqual(expected);
  });
});
