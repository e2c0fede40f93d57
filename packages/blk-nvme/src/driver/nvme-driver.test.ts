import { describe, expect, it } from 'vitest';
import { BLK_STS_OK } from '../block/bio/block-status.ts';
import { REQ_OP_READ, REQ_OP_WRITE } from '../block/bio/op.ts';
import { type DmaMode, NvmeMachine } from '../testing/nvme-machine.ts';

const MODES: readonly DmaMode[] = ['direct', 'vtd', 'vtd-lazy', 'bounce'];

it('G13 the page-based front moves the same bytes and counts its conversions', () => {
  const machine = new NvmeMachine({ mode: 'vtd', era: 'page' });
  machine.driver.probe();
  machine.context.conversions.reset();
  machine.memory.fill(machine.buffers, 4096, 0xa5);
  machine.io(REQ_OP_WRITE, 0, [[machine.buffers, 4096]]);
  machine.io(REQ_OP_READ, 0, [[machine.buffers + 4096, 4096]]);
  expect(machine.memory.load8(machine.buffers + 8191)).toBe(0xa5);
  expect(machine.context.conversions.physToPageCount).toBe(2);
  expect(machine.context.conversions.pageToPhysCount).toBe(2);
});

describe.each(MODES)('the driver over the controller, %s', (mode) => {
  it('N55 probes to ready and finds the namespace with its size', () => {
    const machine = new NvmeMachine({ mode });
    expect(machine.driver.probe()).toBe(0);
    expect(machine.driver.state.current).toBe('LIVE');
    expect(machine.driver.disk(1)?.capacitySectors).toBe(131072);
  });

  it('N83 reads back what it wrote, over scattered pages', () => {
    const machine = new NvmeMachine({ mode });
    machine.driver.probe();
    const pattern = Uint8Array.from({ length: 16 * 4096 }, (_, i) => (i * 31 + (i >> 7)) & 0xff);
    const out = Array.from({ length: 16 }, (_, i) => [machine.buffers + i * 8192, 4096] as const);
    const back = Array.from({ length: 16 }, (_, i) => [machine.buffers + 0x100000 + i * 12288, 4096] as const);
    for (const [i, [phys]] of out.entries()) machine.memory.write(phys, pattern, i * 4096, 4096);
    expect(machine.io(REQ_OP_WRITE, 64, out).status).toBe(BLK_STS_OK);
    expect(machine.io(REQ_OP_READ, 64, back).status).toBe(BLK_STS_OK);
    const read = new Uint8Array(pattern.length);
    for (const [i, [phys]] of back.entries()) machine.memory.read(phys, read, i * 4096, 4096);
    expect(read).toEqual(pattern);
  });
});
