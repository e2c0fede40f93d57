import { describe, expect, it } from 'vitest';
import { Bio } from '../../block/bio/bio.ts';
import { BLK_STS_IOERR, BLK_STS_NOTSUPP } from '../../block/bio/block-status.ts';
import {
  REQ_FAILFAST_DEV,
  REQ_FUA,
  REQ_OP_READ,
  REQ_OP_WRITE,
  REQ_OP_WRITE_ZEROES,
  REQ_RAHEAD,
  REQ_SYNC,
} from '../../block/bio/op.ts';
import { Request } from '../../block/queue/request.ts';
import { dnr, Status } from '../../spec/status.ts';
import { NvmeMachine, type NvmeMachineOptions } from '../../testing/nvme-machine.ts';
import { SGL_FORCED, SGL_SUPPORTED, SGL_UNSUPPORTED } from '../mapping/data-mapping.ts';
import { NvmeIod } from './nvme-iod.ts';
import { submitUserCommand } from './user-command.ts';

const B = 0x2000_0000;
const SQ1 = 0x1008;
const CQ1 = 0x100c;

function ready(options: NvmeMachineOptions = {}): NvmeMachine {
  const machine = new NvmeMachine(options);
  expect(machine.driver.probe()).toBe(0);
  machine.ring.on = true;
  return machine;
}

/** Values that the driver writes to that register from now on. */
function writesTo(machine: NvmeMachine, register: number): number[] {
  const seen: number[] = [];
  const { backing } = machine.driver;
  const write = backing.writeRegister.bind(backing);
  backing.writeRegister = (offset, value) => {
    if (offset === register) seen.push(value);
    write(offset, value);
  };
  return seen;
}

/** Submits without letting the device work. */
function start(machine: NvmeMachine, opf: number, sector: number, onEnd: (status: number) => void = () => {}): Bio {
  const bio = new Bio().init(opf, sector);
  bio.addPhys(B + sector * 512, 4096);
  bio.endIo = ({ status }) => onEnd(status);
  machine.driver.disk(1)!.queue.submitBio(bio);
  return bio;
}

const named = (machine: NvmeMachine, name: string) => machine.events().filter((line) => line.startsWith(`${name}:`));
const ids = (machine: NvmeMachine) =>
  named(machine, 'nvme_setup_cmd').map((line) => Number(/cmdid=(\d+)/.exec(line)![1]));
const logged = (machine: NvmeMachine) => machine.context.log.records.map(({ text }) => text);

describe('commands', () => {
  it.each([
    ['a read', REQ_OP_READ, 'nvme_cmd_read slba=8, len=7, ctrl=0x0, dsmgmt=0, reftag=0'],
    ['read-ahead', REQ_OP_READ | REQ_RAHEAD, 'nvme_cmd_read slba=8, len=7, ctrl=0x8000, dsmgmt=7, reftag=0'],
    ['no retries', REQ_OP_READ | REQ_FAILFAST_DEV, 'nvme_cmd_read slba=8, len=7, ctrl=0x8000, dsmgmt=0, reftag=0'],
    ['a forced write', REQ_OP_WRITE | REQ_FUA, 'nvme_cmd_write slba=8, len=7, ctrl=0x4000, dsmgmt=0, reftag=0'],
  ])('N72 N111 builds and prints %s', (_what, opf, text) => {
    const machine = ready();
    machine.io(opf, 8, [[B, 4096]]);
    expect(named(machine, 'nvme_setup_cmd')[0]).toContain(`cmd=(${text})`);
  });

  it('N73 allows Write Zeroes to deallocate where deallocated blocks read as zeroes', () => {
    const machine = ready();
    const bio = new Bio().init(REQ_OP_WRITE_ZEROES, 8);
    bio.bytes = 8192;
    machine.submit(bio);
    expect(named(machine, 'nvme_setup_cmd')[0]).toContain('nvme_cmd_write_zeroes slba=8, len=15, ctrl=0x200');
  });

  it('N72 refuses metadata that nobody sends, unless the device can make it', () => {
    const plain = ready({ controller: { namespaces: [{ sizeBytes: 2 ** 20, format: 1 }] }, driver: { scanCpu: -1 } });
    expect(plain.io(REQ_OP_WRITE, 0, [[B, 4096]]).status).toBe(BLK_STS_NOTSUPP);
    const protection = { sizeBytes: 2 ** 20, format: 1, protection: 1 };
    const checked = ready({ controller: { namespaces: [protection] }, driver: { scanCpu: -1 } });
    expect(checked.io(REQ_OP_WRITE, 0, [[B, 4096]]).status).toBe(0);
    expect(named(checked, 'nvme_setup_cmd')[0]).toContain('ctrl=0x2000');
  });

  it('N74 sends a user command without its PSDT bits, marks it, and never retries it', () => {
    const machine = ready();
    machine.controller.faults.add({ queue: 'io', times: 1, action: { kind: 'status', status: Status.INTERNAL } });
    const words = new Uint32Array(16);
    words.set([0xc002, 1]);
    const ends: number[] = [];
    const data = new Bio().init(REQ_OP_READ, 0);
    data.addPhys(B, 512);
    submitUserCommand(machine.driver.disk(1)!, words, data, ({ status }) => ends.push(status));
    machine.settle();
    expect(ends).toEqual([Status.INTERNAL]);
    expect(named(machine, 'nvme_setup_cmd')[0]).toContain('flags=0x0,');
    expect(named(machine, 'nvme_complete_rq')[0]).toContain('retries=0, flags=0x2, status=0x6');
  });

  it('N58 admin commands go out as passthrough without a namespace, and a failure is not retried', () => {
    const machine = ready();
    machine.controller.faults.add({ queue: 'admin', times: 1, action: { kind: 'status', status: Status.INTERNAL } });
    expect(machine.driver.admin.identify(1)).toBe(Status.INTERNAL);
    expect(named(machine, 'nvme_setup_cmd')).toHaveLength(1);
    expect(named(machine, 'nvme_setup_cmd')[0]).toContain('qid=0');
    expect(named(machine, 'nvme_setup_cmd')[0]).toContain('nsid=0');
    expect(named(machine, 'block_rq_issue')[0]).toContain('0,0 N 4096 () 0 + 0 none,0,0');
  });
});

describe('mapping policy', () => {
  const policy = (isAdmin: boolean, isUser: boolean, change: Partial<Request<NvmeIod>>, sgls = 1) => {
    const { mapping } = ready({ controller: { sgls } }).driver;
    const request = new Request(new NvmeIod());
    request.blank(null as never, REQ_OP_READ);
    return mapping.sglPolicy(Object.assign(request, change), isAdmin, isUser);
  };

  it.each([
    ['a gap below a page', false, true, { gapBit: 10 }, SGL_FORCED],
    ['boundaries on pages', false, false, { gapBit: 13 }, SGL_SUPPORTED],
    ['a user command', false, true, {}, SGL_FORCED],
    ['two pieces of metadata', false, false, { nrIntegritySegments: 2 }, SGL_FORCED],
    ['the admin queue', true, false, { gapBit: 10 }, SGL_UNSUPPORTED],
  ])('N80 %s', (_what, isAdmin, isUser, change, expected) => {
    expect(policy(isAdmin, isUser, change)).toBe(expected);
    expect(policy(isAdmin, isUser, change, 0)).toBe(SGL_UNSUPPORTED);
  });

  it('N84 records what was bounced and unmaps it in the order of mapping', () => {
    const machine = ready({ mode: 'bounce' });
    machine.io(
      REQ_OP_READ,
      0,
      Array.from({ length: 8 }, (_, i) => [B + i * 8192, 4096] as const),
    );
    const addresses = (name: string) => named(machine, name).map((line) => /dma_addr=([0-9a-f]+)/.exec(line)![1]);
    const mapped = addresses('dma_map_phys');
    expect(mapped).toHaveLength(8);
    expect(addresses('dma_unmap_phys')).toEqual(mapped);
  });

  it.each([
    [16, 'small'],
    [17, 'large'],
  ] as const)('N85 takes a list of %i descriptors from the %s pool', (count, pool) => {
    const machine = ready();
    const taken: string[] = [];
    for (const name of ['small', 'large'] as const) {
      const { [name]: of } = machine.driver.pools;
      const alloc = of.alloc.bind(of);
      of.alloc = () => {
        taken.push(name);
        return alloc();
      };
    }
    machine.io(
      REQ_OP_READ,
      0,
      Array.from({ length: count }, (_, i) => [B + i * 8192 + 256, 512] as const),
    );
    expect(taken).toEqual([pool]);
  });

  it('N54 grows a pool by one page, hands it out from its start, and gives the block freed last first', () => {
    const machine = ready();
    const { small } = machine.driver.pools;
    const take = () => {
      expect(small.alloc()).toBe(true);
      return [small.phys, small.dmaAddr] as const;
    };
    const blocks = Array.from({ length: 16 }, take);
    expect(named(machine, 'dma_alloc')).toHaveLength(1);
    expect(named(machine, 'dma_alloc')[0]).toMatch(/size=4096 .*GFP_ATOMIC/);
    expect(blocks.map(([phys]) => phys - blocks[0][0])).toEqual(blocks.map((_, i) => i * 256));
    small.free(...blocks[5]);
    small.free(...blocks[9]);
    expect(take()).toEqual(blocks[9]);
    expect(take()).toEqual(blocks[5]);
  });
});

describe('submission and completion', () => {
  it('N112 tells of one I/O in the order of the kernel', () => {
    const machine = ready({ mode: 'vtd' });
    machine.io(REQ_OP_READ, 8, [[B, 4096]]);
    expect(machine.events().map((line) => line.slice(0, line.indexOf(':')))).toEqual([
      'nvme_setup_cmd',
      'map',
      'dma_map_phys',
      'block_rq_issue',
      'nvme_sq',
      'unmap',
      'dma_unmap_phys',
      'nvme_complete_rq',
      'block_rq_complete',
    ]);
  });

  it('N113 prints the first admin command as a real trace has it', () => {
    const machine = new NvmeMachine({ traced: true, driver: { tagHints: { admin: [20] } } });
    machine.driver.probe();
    const lines = machine.events();
    const setup =
      'nvme_setup_cmd: nvme0: qid=0, cmdid=20, nsid=0, flags=0x0, meta=0x0, cmd=(nvme_admin_identify cns=1, ctrlid=0)';
    const at = lines.indexOf(setup);
    expect(at).toBeGreaterThan(0);
    const rest = lines.slice(at + 1, at + 7).map((line) => line.replace(/_addr=[0-9a-f]+/g, '_addr=X'));
    expect(rest.map((line) => line.replace(/ \[dmalab\]$/, ''))).toEqual([
      'dma_map_phys: 0000:00:03.0 dir=FROM_DEVICE dma_addr=X size=4096 phys_addr=X attrs=',
      'block_rq_issue: 0,0 N 4096 () 0 + 0 none,0,0',
      'nvme_sq: nvme0: qid=0, head=1, tail=1',
      'dma_unmap_phys: 0000:00:03.0 dir=FROM_DEVICE dma_addr=X size=4096 attrs=',
      'nvme_complete_rq: nvme0: qid=0, cmdid=20, res=0x0, retries=0, flags=0x0, status=0x0',
      'block_rq_complete: 0,0 N () 18446744073709551615 + 8 none,0,0 [0]',
    ]);
  });

  it('N75 fails what comes for a queue that is not enabled', () => {
    const machine = ready();
    machine.driver.ioPath.queues[0].enabled = false;
    expect(machine.io(REQ_OP_READ, 0, [[B, 4096]]).status).toBe(BLK_STS_IOERR);
    expect(named(machine, 'block_rq_issue')).toEqual([]);
  });

  it('N75 copies a batch and rings once, N90 takes all completions and tells of the head once', () => {
    const machine = ready({ controller: { shadowDoorbells: false } });
    const { queue } = machine.driver.disk(1)!;
    const [tails, heads] = [writesTo(machine, SQ1), writesTo(machine, CQ1)];
    let ended = 0;
    queue.plug();
    for (let i = 0; i < 5; i++) start(machine, REQ_OP_READ, i * 64, () => ended++);
    expect(tails).toEqual([]);
    queue.unplug();
    expect(tails).toHaveLength(1);
    machine.run();
    expect(machine.driver.poll()).toBe(5);
    expect([ended, heads.length]).toEqual([5, 1]);
  });

  it('N75 rings in the middle of a batch before the tail comes round to the last told one', () => {
    const machine = ready({ controller: { shadowDoorbells: false }, driver: { parameters: { ioQueueDepth: 8 } } });
    const [queue] = machine.driver.ioPath.queues;
    const tails = writesTo(machine, SQ1);
    const command = new Uint32Array(16);
    const told = queue.lastSqTail;
    for (let i = 0; i < 7; i++) queue.submit(command, false);
    expect(tails).toEqual([(told + 7) % 8]);
  });

  it('N24 N2 a batch frees its tag at once: one tag, and its request object counts the generations', () => {
    const machine = ready({ driver: { cpus: 2 } });
    for (let i = 0; i < 3; i++) machine.io(REQ_OP_READ, i * 8, [[B, 4096]]);
    const [first] = ids(machine);
    expect(ids(machine)).toEqual([first, (first + 0x1000) & 0xffff, (first + 0x2000) & 0xffff]);
  });

  it('N24 N25 leaves what failed out of the batch', () => {
    const machine = ready({ driver: { cpus: 2 } });
    const status = dnr(Status.LBA_RANGE);
    machine.controller.faults.add({ queue: 'io', times: 1, action: { kind: 'status', status } });
    for (let i = 0; i < 2; i++) machine.io(REQ_OP_READ, i * 8, [[B, 4096]]);
    const [failed, next] = ids(machine).map((id) => id & 0xfff);
    expect(next).toBe(failed + 1);
  });

  it('N25 completes in a softirq with one hardware queue: no batch, so tags walk upwards', () => {
    const machine = ready();
    for (let i = 0; i < 3; i++) machine.io(REQ_OP_READ, i * 8, [[B, 4096]]);
    const tags = ids(machine).map((id) => id & 0xfff);
    expect(tags).toEqual([tags[0], tags[0] + 1, tags[0] + 2]);
  });

  it('N87 unmaps every request of a batch before the first of them ends', () => {
    const machine = ready({ mode: 'vtd', driver: { cpus: 2 } });
    for (let i = 0; i < 2; i++) start(machine, REQ_OP_READ, i * 64);
    machine.settle();
    const lines = machine.events().map((line) => line.slice(0, line.indexOf(':')));
    expect(lines.slice(lines.indexOf('nvme_sq'))).toEqual([
      'nvme_sq',
      'nvme_sq',
      'unmap',
      'dma_unmap_phys',
      'nvme_complete_rq',
      'unmap',
      'dma_unmap_phys',
      'nvme_complete_rq',
      'block_rq_complete',
      'block_rq_complete',
    ]);
  });

  it('N30 N93 logs a failed write twice: as the driver and as the block layer saw it', () => {
    const machine = ready();
    const action = { kind: 'status', status: dnr(Status.SGL_INVALID_DATA) } as const;
    machine.controller.faults.add({ queue: 'io', times: 1, action });
    machine.io(REQ_OP_WRITE | REQ_SYNC, 0, [[B, 65536]]);
    const lines = machine.context.log.records.slice(-2);
    expect(lines.map(({ device, text }) => `${device ?? ''}: ${text}`)).toEqual([
      'nvme0n1: I/O Cmd(0x1) @ LBA 0, 128 blocks, I/O Error (sct 0x0 / sc 0xf) DNR ',
      ': I/O error, dev nvme0n1, sector 0 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2',
    ]);
  });

  it('N93 names command and status with verbose errors', () => {
    const machine = ready({ driver: { parameters: { verboseErrors: true } } });
    const status = dnr(Status.LBA_RANGE);
    machine.controller.faults.add({ queue: 'io', times: 1, action: { kind: 'status', status } });
    machine.io(REQ_OP_READ, 8, [[B, 4096]]);
    expect(logged(machine)).toContain('Read(0x2) @ LBA 8, 8 blocks, LBA Out of Range (sct 0x0 / sc 0x80) DNR ');
    machine.controller.faults.add({ queue: 'admin', times: 1, action: { kind: 'status', status: Status.INTERNAL } });
    machine.driver.admin.identify(1);
    expect(logged(machine)).toContain('Identify(0x6), Internal Error (sct 0x0 / sc 0x6) ');
  });

  it('N180 the setup event never shows that SGLs are used, and a duplicate completion misses its generation', () => {
    const machine = ready();
    machine.controller.faults.add({ queue: 'io', times: 1, action: { kind: 'duplicate' } });
    machine.io(REQ_OP_READ, 0, [[B + 512, 65536]]);
    expect(named(machine, 'nvme_setup_cmd')[0]).toContain('flags=0x0');
    expect(logged(machine).some((text) => /could not locate request|genctr mismatch/.test(text))).toBe(true);
  });
});
