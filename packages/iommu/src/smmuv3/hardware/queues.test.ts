import { describe, expect, it } from 'vitest';
import { SmmuExample, EXAMPLE_STREAM as STREAM } from '../../testing/smmuv3-example.ts';
import { SMMU_PRESETS } from '../capabilities.ts';

const UNMAPPED = 0x8080606000;
const { full } = SMMU_PRESETS;

describe('the command queue (spec H58, H72)', () => {
  it('stays on an illegal command until it is replaced and the error acknowledged', () => {
    const { unit, example } = taken(new SmmuExample());
    example.submit(0x77n, 0n, 0x46n, 0n);
    expect(unit.readRegister(0x60)).toBe(1);
    expect(unit.readRegister(0x9c)).toBe(0x1000003);
    example.memory.store32(0x41020030, 0x46);
    unit.step();
    expect(unit.readRegister(0x9c)).toBe(0x1000003);
    unit.writeRegister(0x64, 1);
    unit.step();
    expect(unit.readRegister(0x9c)).toBe(0x1000005); // ERR keeps its value (spec H72)
    expect(unit.readRegister(0x64)).toBe(unit.readRegister(0x60));
  });

  it.each([
    ['ATC_INV without ATS', 0x40n],
    ['PRI_RESP without page requests', 0x41n],
    ['RESUME where nothing stalls', 0x44n],
    ['TLBI_EL2_ALL without EL2', 0x20n],
    ['a SYNC with a signal that does not exist', 0x3046n],
    ['an opcode between two TLBIs', 0x14n],
  ])('takes %s for illegal', (_, command) => {
    const { unit, example } = taken(new SmmuExample());
    example.submit(command, 0n);
    expect(unit.readRegister(0x9c)).toBe(0x1000003);
  });

  it('QEMU ignores EL2 commands (spec H111)', () => {
    const { unit, example } = taken(new SmmuExample({ deviations: 'qemu' }));
    example.submit(0x20n, 0n);
    expect(unit.readRegister(0x9c)).toBe(4);
  });

  it('reports a queue that memory does not answer', () => {
    const { unit, example } = taken(new SmmuExample({ answers: (at) => at < 0x41020030 || at > 0x4102ffff }));
    example.submit(0x46n, 0n);
    expect([unit.readRegister(0x60), unit.readRegister(0x9c)]).toEqual([1, 0x2000003]);
  });

  it('goes round: indices wrap, and the wrap bit tells full from empty', () => {
    const { unit, example } = taken(new SmmuExample());
    for (let i = 0; i < 300; i++) example.submit(0x46n, 0n);
    expect(unit.readRegister(0x9c)).toBe(303);
    for (let i = 0; i < 300; i++) example.submit(0x46n, 0n);
    expect(unit.readRegister(0x9c)).toBe(603 - 512);
  });

  it('a SYNC stores its message when it asks for one, and pulses a wire where there are none', () => {
    const { example } = taken(new SmmuExample(full));
    example.submit(0xabcd00001046n, 0x41050000n);
    expect(example.memory.load32(0x41050000)).toBe(0xabcd);
    const wires: string[] = [];
    new SmmuExample({ wire: (wire) => wires.push(wire) }).submit(0xabcd00001046n, 0x41050000n);
    expect(wires).toEqual(['cmd-sync']);
  });

  it('a device that does not answer fails the SYNC, once', () => {
    const { unit, example } = taken(new SmmuExample(full));
    unit.attachDeviceTlb(STREAM, { invalidate: () => false });
    example.submit(0x1800000040n, 52n, 0x46n, 0n);
    expect(unit.readRegister(0x9c)).toBe(0x3000004);
    unit.writeRegister(0x64, 1);
    unit.step();
    expect(unit.readRegister(0x9c) & 0xfffff).toBe(5);
  });
});

describe('the event queue (spec H58, H71)', () => {
  const fill = ({ unit }: SmmuExample, count: number): void => {
    for (let i = 0; i < count; i++) unit.translate(STREAM, UNMAPPED, 1);
  };

  it('loses what comes while it is full, and toggles the overflow flag once until that is acknowledged', () => {
    const { unit, example } = taken(new SmmuExample());
    fill(example, 130);
    expect(unit.readRegister(0x100a8)).toBe(0x80000080);
    unit.writeRegister(0x100ac, 0x80000040);
    fill(example, 65);
    expect(unit.readRegister(0x100a8)).toBe(0x000000c0);
    expect(unit.readRegister(0x60)).toBe(0);
  });

  it('takes records again as soon as there is room, acknowledged or not', () => {
    const { unit, example } = taken(new SmmuExample());
    fill(example, 130);
    unit.writeRegister(0x100ac, 1);
    fill(example, 5);
    expect(unit.readRegister(0x100a8)).toBe(0x80000081);
  });

  it('QEMU raises an error instead of the flag', () => {
    const { unit, example } = taken(new SmmuExample({ deviations: 'qemu' }));
    fill(example, 130);
    expect([unit.readRegister(0x100a8), unit.readRegister(0x60)]).toEqual([0x80, 4]);
  });

  it('raises the same error when memory does not answer', () => {
    const { unit, example } = taken(new SmmuExample({ answers: (at) => at < 0x41030000 || at > 0x41030fff }));
    fill(example, 2);
    expect([unit.readRegister(0x100a8), unit.readRegister(0x60)]).toEqual([0, 4]);
  });

  it('keeps nothing while it is off', () => {
    const { unit, example } = taken(new SmmuExample());
    unit.writeRegister(0x20, 0x9);
    fill(example, 1);
    expect(unit.readRegister(0x100a8)).toBe(0);
  });

  it('answers at the offsets of page 0 too', () => {
    const { unit, example } = taken(new SmmuExample());
    fill(example, 1);
    expect(unit.readRegister(0xa8)).toBe(1);
    unit.writeRegister(0xac, 1);
    expect(unit.readRegister(0x100ac)).toBe(1);
  });

  it('interrupts when it stops being empty, by the message that was programmed', () => {
    const messages: number[][] = [];
    const { unit, example } = taken(
      new SmmuExample({ ...full, interrupt: (address, data) => messages.push([address, data]) }),
    );
    fill(example, 1);
    expect(messages).toEqual([]);
    for (const [offset, value] of [
      [0xb0, 0x08090040],
      [0xb8, 0x21],
      [0x50, 4],
    ])
      unit.writeRegister(offset, value);
    expect(unit.readRegister(0x54)).toBe(4);
    fill(example, 1);
    expect(messages).toEqual([]);
    unit.writeRegister(0x100ac, 2);
    fill(example, 2);
    expect(messages).toEqual([[0x08090040, 0x21]]);
  });

  it('an error interrupts by its own wire', () => {
    const wires: string[] = [];
    const { unit, example } = taken(new SmmuExample({ wire: (wire) => wires.push(wire) }));
    unit.writeRegister(0x50, 5);
    example.submit(0x77n, 0n);
    fill(example, 2);
    expect(wires).toEqual(['gerror', 'eventq']);
  });
});

describe('registers (spec H57)', () => {
  it('GBPA is taken with UPDATE alone, and aborts while the unit is off', () => {
    const { unit } = taken(new SmmuExample());
    unit.writeRegister(0x20, 0xc);
    expect(unit.readRegister(0x44)).toBe(0x1000);
    unit.writeRegister(0x44, 0x100000);
    expect(unit.translate(STREAM, UNMAPPED, 1)).toBe(UNMAPPED);
    unit.writeRegister(0x44, 0x80100000);
    expect(unit.readRegister(0x44)).toBe(0x100000);
    expect(unit.translate(STREAM, UNMAPPED, 1)).toBe(-0x1000);
  });

  it('shows what the unit is, and keeps what can not be written', () => {
    const { unit } = taken(new SmmuExample());
    const ids = () => [0x00, 0x04, 0x0c, 0x14, 0x1c].map((offset) => unit.readRegister(offset));
    expect(ids()).toEqual([0x0d44101b, 0x02730010, 0x1414, 0x74, 1]);
    for (const offset of [0x00, 0x04, 0x0c, 0x14, 0x1c, 0x24, 0x54]) unit.writeRegister(offset, 0xffffffff);
    expect(ids()).toEqual([0x0d44101b, 0x02730010, 0x1414, 0x74, 1]);
    expect(unit.readRegister(0x9c)).toBe(3);
    unit.writeRegister(0x9c, 7);
    unit.writeRegister(0x100a8, 7);
    expect([unit.readRegister(0x9c), unit.readRegister(0x100a8)]).toEqual([3, 0]);
  });
});

function taken(example: SmmuExample): { example: SmmuExample; unit: SmmuExample['unit'] } {
  return { example, unit: example.unit };
}
