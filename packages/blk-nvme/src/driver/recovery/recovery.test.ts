import { debugDriverReleased } from '@dmalab/dma-api';
import { beforeEach, describe, expect, it } from 'vitest';
import { Bio } from '../../block/bio/bio.ts';
import { BLK_STS_IOERR, BLK_STS_OK, BLK_STS_TARGET } from '../../block/bio/block-status.ts';
import { REQ_FAILFAST_DEV, REQ_OP_READ } from '../../block/bio/op.ts';
import type { NvmeControllerOptions } from '../../controller/options.ts';
import type { FaultAction } from '../../controller/state/fault-rules.ts';
import { AdminOpcode, NvmOpcode } from '../../spec/opcodes.ts';
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

  it('N94 names request, command and queue when it aborts, and again when it resets', () => {
    fault({ kind: 'drop' });
    const bio = submit();
    wait(62);
    const lines = logged().filter((text) => text.startsWith('I/O tag'));
    expect(lines).toHaveLength(2);
    const what = /^I\/O tag \d+ \([0-9a-f]{4}\) opcode 0x2 \(I\/O Cmd\) QID 1 timeout, /;
    expect(lines.map((text) => text.replace(what, ''))).toEqual([
      'aborting req_op:READ(0) size:16384',
      'reset controller',
    ]);
    expect(bio.status).toBe(BLK_STS_OK);
  });

  it('N94 N26 a request of a device that PCI error handling cut off has its time again', () => {
    fault({ kind: 'hang' });
    const bio = submit();
    machine.driver.backing.channelOffline = () => true;
    wait(95);
    expect([ends, logged().filter((text) => text.includes('timeout'))]).toEqual([0, []]);
    machine.driver.backing.channelOffline = () => false;
    wait(31);
    expect([ends, bio.status]).toEqual([1, BLK_STS_OK]);
  });

  it('N94 finds a completion whose interrupt was lost', () => {
    const { backing } = machine.driver;
    const pending = backing.interruptPending.bind(backing);
    backing.interruptPending = (vector) => vector !== 1 && pending(vector);
    const bio = submit();
    expect(ends).toBe(0);
    wait(31);
    expect(
      logged().filter((text) => /^I\/O tag \d+ \(.{4}\) QID 1 timeout, completion polled$/.test(text)),
    ).toHaveLength(1);
    expect([ends, bio.status]).toEqual([1, BLK_STS_OK]);
  });

  it('N94 resets the controller when an admin command gets no answer', () => {
    machine.controller.faults.add({ queue: 'admin', times: 1, action: { kind: 'hang' } });
    expect(machine.driver.admin.identify(1)).toBe(Status.HOST_ABORTED_CMD);
    expect(logged().some((text) => /opcode 0x6 \(Admin Cmd\) QID 0 timeout, reset controller$/.test(text))).toBe(true);
    expect(machine.driver.state.current).toBe('LIVE');
    expect(submit().status).toBe(BLK_STS_OK);
  });

  it('N94 N97 gives a controller up that does not answer while it comes up again', () => {
    machine.controller.faults.add({ queue: 'admin', opcode: 6, action: { kind: 'hang' } });
    expect(machine.driver.reset()).toBeLessThan(0);
    expect(logged().some((text) => text.endsWith('QID 0 timeout, disable controller'))).toBe(true);
    expect(machine.driver.state.current).toBe('DEAD');
  });

  it('N94 N68 does not wait for ever for the deletion of queues in a reset', () => {
    machine.controller.faults.add({ queue: 'admin', opcode: 0, times: 1, action: { kind: 'hang' } });
    expect(machine.driver.reset()).toBe(0);
    expect(submit().status).toBe(BLK_STS_OK);
  });
});

describe('firmware that the controller activates', () => {
  const activate = () => {
    const { admin } = machine.driver;
    admin.run({ opcode: AdminOpcode.DOWNLOAD_FW, cdw10: 1023, send: new Uint8Array(4096), dataBytes: 4096 });
    expect(admin.run({ opcode: AdminOpcode.ACTIVATE_FW, cdw10: 2 | (3 << 3) })).toBe(0);
  };
  const start = (controller: Partial<NvmeControllerOptions>) => {
    machine = new NvmeMachine({ traced: true, controller });
    machine.driver.probe();
  };
  const slotLogs = () => machine.events().filter((line) => line.includes('(nvme_admin_get_log_page cdw10=03 '));

  it('N95 holds I/O back while the controller is paused, then reads the slots and asks for the next event', () => {
    start({ activationNanos: 2 * SECOND });
    activate();
    machine.settle();
    expect([machine.driver.state.current, machine.driver.registers.isPaused()]).toEqual(['LIVE', false]);
    expect(slotLogs()).toHaveLength(1);
    expect(machine.events().some((line) => line.endsWith('NVME_AEN=0x030102 [NVME_AER_NOTICE]'))).toBe(true);
    expect(submit().status).toBe(BLK_STS_OK);
    activate();
    machine.settle();
    expect(slotLogs()).toHaveLength(2);
  });

  it('N95 resets a controller that takes longer than it promised', () => {
    start({ activationNanos: 2 * SECOND });
    const { backing } = machine.driver;
    const read = backing.readRegister.bind(backing);
    const paused = () =>
      (machine.controller.readRegister(Register.CC) & 1) === 1 && !machine.driver.ioPath.queues[0].enabled;
    let stuck = true;
    backing.readRegister = (offset) => {
      if (offset === Register.CSTS && paused()) stuck = false;
      return read(offset) | (offset === Register.CSTS && stuck ? 0x20 : 0);
    };
    activate();
    machine.settle();
    expect([machine.driver.state.current, stuck, slotLogs().length]).toEqual(['LIVE', false, 0]);
    expect(submit().status).toBe(BLK_STS_OK);
  });
});

describe('keep-alive', () => {
  const start = (keepAliveMillis: number) => {
    machine = new NvmeMachine({ traced: true, controller: { kas: 10 }, driver: { parameters: { keepAliveMillis } } });
    machine.driver.probe();
  };
  const sent = () => machine.events().filter((line) => line.includes('nvme_admin_keep_alive')).length;

  it('N70 is sent every half timeout, and keeps the controller alive', () => {
    start(10_000);
    wait(31);
    expect(sent()).toBe(6);
    expect(machine.controller.readRegister(Register.CSTS)).toBe(1);
    machine.driver.reset();
    wait(31);
    expect(sent()).toBe(12);
  });

  it('N70 is not sent by default', () => {
    start(0);
    wait(31);
    expect(sent()).toBe(0);
  });
});
