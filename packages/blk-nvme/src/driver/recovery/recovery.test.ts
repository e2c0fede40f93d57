import { debugDriverReleased } from '@dmalab/dma-api';
import { beforeEach, describe, expect, it } from 'vitest';
import { Bio } from '../../block/bio/bio.ts';
import { BLK_STS_IOERR, BLK_STS_OK, BLK_STS_TARGET } from '../../block/bio/block-status.ts';
import { REQ_FAILFAST_DEV, REQ_OP_READ } from '../../block/bio/op.ts';
import type { FaultAction } from '../../controller/state/fault-rules.ts';
import { NvmOpcode } from '../../spec/opcodes.ts';
import { NSSR_MAGIC, Register } from '../../spec/registers.ts';
import { dnr, Status } from '../../spec/status.ts';
import { NvmeMachine } from '../../testing/nvme-machine.ts';

const SECOND = 1e9;
const B = 0x2000_0000;

let machine: NvmeMachine;
let ends: number;

beforeEach(() => {
  machine = new NvmeMachine({ mode: 'vtd', context: { options: { dmaApiDebug: true } } });
  machine.driver.probe();
  machine.ring.on = true;
  ends = 0;
});

function submit(opf = REQ_OP_READ): Bio {
  const bio = new Bio().init(opf, 0);
  for (let i = 0; i < 4; i++) bio.addPhys(B + i * 8192, 4096);
  bio.endIo = () => ends++;
  machine.driver.disk(1)!.queue.submitBio(bio);
  machine.settle();
  return bio;
}

/** Time passes in steps of a second, with the timers that it brings. */
function wait(seconds: number): void {
  for (let i = 0; i < seconds; i++) {
    machine.advance(SECOND);
    machine.driver.poll();
    machine.driver.timeouts.check();
    machine.settle();
  }
}

function fault(action: FaultAction, times = 1): void {
  machine.controller.faults.add({ queue: 'io', opcode: NvmOpcode.READ, times, action });
}

/** Everything that was mapped is unmapped again, and dma-debug found nothing to say. */
function expectNoLeak(): void {
  const { findings } = machine.context.debug!.state;
  expect(findings.list.map(({ text }) => text)).toEqual([]);
  const sum = (name: string) =>
    machine
      .events()
      .filter((line) => line.startsWith(`${name}:`))
      .reduce((bytes, line) => bytes + Number(/ size=(\d+)/.exec(line)![1]), 0);
  // Descriptor pages stay mapped until the driver goes.
  expect(sum('unmap')).toBe(sum('map') - sum('dma_alloc'));
}

const logged = () => machine.context.log.records.map(({ text }) => text);

describe('recovery', () => {
  it('N91 retries a failure without DNR, and gives up after five', () => {
    fault({ kind: 'status', status: Status.DATA_XFER_ERROR }, 5);
    expect(submit().status).toBe(BLK_STS_OK);
    expect(machine.events().filter((line) => line.startsWith('block_rq_requeue'))).toHaveLength(5);
    fault({ kind: 'status', status: Status.DATA_XFER_ERROR }, 6);
    expect(submit().status).toBe(BLK_STS_IOERR);
    expect(ends).toBe(2);
    expectNoLeak();
  });

  it('N91 retries neither with DNR nor a failfast request', () => {
    fault({ kind: 'status', status: dnr(Status.LBA_RANGE) });
    expect(submit().status).toBe(BLK_STS_TARGET);
    fault({ kind: 'status', status: Status.INTERNAL });
    expect(submit(REQ_OP_READ | REQ_FAILFAST_DEV).status).toBe(BLK_STS_IOERR);
    expect(machine.events().some((line) => line.startsWith('block_rq_requeue'))).toBe(false);
    expect(logged()).toContain('I/O Cmd(0x2) @ LBA 0, 32 blocks, I/O Error (sct 0x0 / sc 0x80) DNR ');
    expect(logged()).toContain(
      'critical target error, dev nvme0n1, sector 0 op 0x0:(READ) flags 0x0 phys_seg 4 prio class 2',
    );
  });

  it('N94 aborts a command that hangs, which is then retried', () => {
    fault({ kind: 'hang' });
    const bio = submit();
    expect(ends).toBe(0);
    wait(31);
    expect(logged().some((text) => / timeout, aborting /.test(text))).toBe(true);
    expect(logged()).toContain('Abort status: 0x0');
    expect([ends, bio.status]).toEqual([1, BLK_STS_OK]);
    expectNoLeak();
  });

  it('N94 resets the controller when an aborted command still does not end, and the request succeeds after that', () => {
    fault({ kind: 'drop' });
    const bio = submit();
    wait(62);
    expect(logged().some((text) => text.endsWith('timeout, reset controller'))).toBe(true);
    expect([ends, bio.status]).toEqual([1, BLK_STS_OK]);
    expect(machine.driver.state.current).toBe('LIVE');
    expectNoLeak();
  });

  it('N94 resets a controller that went fatal', () => {
    fault({ kind: 'fatal' });
    const bio = submit();
    wait(31);
    expect(logged().some((text) => text.startsWith('controller is down; will reset: CSTS=0x3'))).toBe(true);
    expect([ends, bio.status]).toEqual([1, BLK_STS_OK]);
    expectNoLeak();
  });

  it('N96 holds back what is submitted during a reset, and lets it through afterwards', () => {
    fault({ kind: 'fatal' });
    const next = new Bio().init(REQ_OP_READ, 64);
    next.addPhys(B, 4096);
    next.endIo = () => ends++;
    const bio = new Bio().init(REQ_OP_READ | REQ_FAILFAST_DEV, 0);
    bio.addPhys(B, 4096);
    bio.endIo = () => {
      ends++;
      machine.driver.disk(1)!.queue.submitBio(next);
    };
    machine.driver.disk(1)!.queue.submitBio(bio);
    machine.settle();
    wait(31);
    expect([ends, bio.status, next.status]).toEqual([2, BLK_STS_IOERR, BLK_STS_OK]);
  });

  it('N52 ignores a second completion: its generation is over', () => {
    fault({ kind: 'duplicate' });
    expect(submit().status).toBe(BLK_STS_OK);
    expect(ends).toBe(1);
    expect(
      logged().some((text) => text.startsWith('could not locate request') || text.includes('genctr mismatch')),
    ).toBe(true);
    expectNoLeak();
  });

  it('N52 ignores a completion of nobody, and gets the command back by a timeout', () => {
    fault({ kind: 'commandId', cid: 0x0321 });
    const bio = submit();
    expect(logged()).toContain('invalid id 801 completed on queue 1');
    wait(62);
    expect([ends, bio.status]).toEqual([1, BLK_STS_OK]);
    expectNoLeak();
  });

  it('N171 a delayed completion is no error', () => {
    fault({ kind: 'delay', nanos: 5 * SECOND });
    const bio = submit();
    wait(6);
    expect([ends, bio.status]).toEqual([1, BLK_STS_OK]);
  });

  it('N94 a device that is pulled out ends every request, once, and the removal leaves nothing mapped', () => {
    fault({ kind: 'hang' });
    const bio = submit();
    const { backing } = machine.driver;
    backing.readRegister = () => 0xffff_ffff;
    backing.writeRegister = () => {};
    wait(31);
    // Held for a retry that a reset would bring; the removal that follows lets it fail.
    expect([ends, machine.driver.state.current]).toEqual([0, 'DELETING']);
    machine.driver.remove();
    expect([ends, bio.status]).toEqual([1, BLK_STS_IOERR]);
    expect(machine.driver.state.current).toBe('DEAD');
    expect(debugDriverReleased(machine.context.debug!.state, machine.device)).toBe(0);
    expect(machine.context.debug!.state.findings.list).toEqual([]);
  });

  it('N94 resets a controller whose subsystem was reset behind its back', () => {
    machine = new NvmeMachine({ mode: 'vtd', controller: { subsystemReset: true } });
    machine.driver.probe();
    fault({ kind: 'hang' });
    const bio = submit();
    machine.driver.backing.writeRegister(Register.NSSR, NSSR_MAGIC);
    wait(31);
    expect(logged().some((text) => text.startsWith('controller is down; will reset: CSTS=0x10'))).toBe(true);
    expect([ends, bio.status, machine.driver.state.current]).toEqual([1, BLK_STS_OK, 'LIVE']);
  });

  it('N98 a removal after all kinds of trouble leaves nothing mapped', () => {
    for (const kind of ['drop', 'duplicate', 'fatal'] as const) {
      fault({ kind });
      submit();
      wait(63);
    }
    expect(ends).toBe(3);
    machine.driver.remove();
    expect(debugDriverReleased(machine.context.debug!.state, machine.device)).toBe(0);
  });

  it('N95 finds a namespace that appears, and loses one that goes', () => {
    machine.controller.attachNamespace(5, { sizeBytes: 2 ** 20, format: 4 });
    machine.settle();
    machine.settle();
    expect(machine.driver.disk(5)?.capacitySectors).toBe(2048);
    machine.controller.detachNamespace(1);
    machine.settle();
    machine.settle();
    expect(machine.driver.disk(1)).toBeUndefined();
  });

  it('N95 answers an invalid doorbell value with an event and asks for the next', () => {
    machine.driver.backing.writeRegister(0x1008, 0xffff);
    machine.settle();
    expect(
      machine.events().some((line) => line === 'nvme_async_event: nvme0: NVME_AEN=0x010100 [NVME_AER_ERROR]'),
    ).toBe(true);
    expect(machine.driver.events.reported).toEqual([0x010100]);
  });
});
