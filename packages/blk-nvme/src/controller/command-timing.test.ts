import { describe, expect, it } from 'vitest';
import { NvmOpcode } from '../spec/opcodes.ts';
import { BUFFER, RawHost } from '../testing/raw-host.ts';

const READ = { opcode: NvmOpcode.READ, nsid: 1, prp1: BUFFER, cdw10: 16, cdw12: 7 };

/** A host whose disk has a given read latency and transfer time, and what its clock was asked. */
function timed(untilExecution: number, untilCompletion: number) {
  const asked: (readonly [stage: string, opcode: number, at: number, lengthBytes: number])[] = [];
  const host = new RawHost({
    timing: {
      untilExecution(opcode, at, lengthBytes) {
        asked.push(['execution', opcode, at, lengthBytes]);
        return untilExecution;
      },
      untilCompletion(opcode, at, lengthBytes) {
        asked.push(['completion', opcode, at, lengthBytes]);
        return untilCompletion;
      },
    },
  });
  host.enable();
  host.createQueuePair(1);
  host.controller.namespace(1)?.media.write(16 * 512, new Uint8Array(4096).fill(0x5a), 0, 4096);
  return { host, asked };
}

/** Whether the data are there, and whether the command completed, after so much time. */
function after(host: RawHost, nanos: number): [moved: boolean, completed: boolean] {
  host.controller.advance(nanos);
  host.settle();
  return [host.memory.load32(BUFFER) === 0x5a5a5a5a, host.poll(1) !== undefined];
}

describe('a controller whose machine keeps time', () => {
  it('moves the data when the media has them, and completes when they arrived', () => {
    const { host, asked } = timed(1000, 500);
    host.submit(1, READ);
    expect(after(host, 0)).toEqual([false, false]);
    expect(after(host, 999)).toEqual([false, false]);
    expect(after(host, 1)).toEqual([true, false]);
    expect(after(host, 499)).toEqual([true, false]);
    expect(after(host, 1)).toEqual([true, true]);
    expect(asked).toEqual([
      ['execution', NvmOpcode.READ, 8192, 4096],
      ['completion', NvmOpcode.READ, 8192, 4096],
    ]);
    expect(host.controller.nextDueNanos).toBe(Number.POSITIVE_INFINITY);
  });

  it('completes in the order of time, not of submission', () => {
    const waits = [900, 300, 600];
    const host = new RawHost({ timing: { untilExecution: () => waits.shift() ?? 0, untilCompletion: () => 0 } });
    host.enable();
    host.createQueuePair(1);
    const ids = [READ, READ, READ].map((command) => host.submit(1, command));
    const ended: (number | undefined)[] = [];
    for (let i = 0; i < 10; i++) {
      host.controller.advance(100);
      host.settle();
      for (let done = host.poll(1); done !== undefined; done = host.poll(1)) ended.push(done.cid);
    }
    expect(ended).toEqual([ids[1], ids[2], ids[0]]);
  });

  it('asks nothing for admin commands, and names no blocks for a flush', () => {
    const { host, asked } = timed(0, 0);
    expect(host.run(1, { opcode: NvmOpcode.FLUSH, nsid: 1 }).status).toBe(0);
    expect(asked).toEqual([
      ['execution', NvmOpcode.FLUSH, 0, 0],
      ['completion', NvmOpcode.FLUSH, 0, 0],
    ]);
  });
});
