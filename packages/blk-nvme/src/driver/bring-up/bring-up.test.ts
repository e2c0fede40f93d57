import { describe, expect, it } from 'vitest';
import { Register } from '../../spec/registers.ts';
import { NvmeMachine } from '../../testing/nvme-machine.ts';

/** Register writes of a probe, in order. */
function registerWrites(machine: NvmeMachine): (readonly [number, number])[] {
  const writes: (readonly [number, number])[] = [];
  const { backing } = machine.driver;
  const write = backing.writeRegister.bind(backing);
  backing.writeRegister = (offset, value) => {
    if (offset < Register.DOORBELLS) writes.push([offset, value]);
    write(offset, value);
  };
  return writes;
}

/** `nvme_setup_cmd` of everything so far: `identify cns=1, ctrlid=0`. */
function adminCommands(machine: NvmeMachine): string[] {
  const pattern = /^nvme_setup_cmd: .*qid=0, .*cmd=\(nvme_admin_(.*)\)$/;
  return machine.events().flatMap((line) => pattern.exec(line)?.[1] ?? []);
}

describe('bring-up', () => {
  it('N56 writes the registers in the order of Linux: configuration first, then with EN', () => {
    const machine = new NvmeMachine();
    const writes = registerWrites(machine);
    machine.driver.probe();
    const names = writes.map(([offset, value]) => `${offset.toString(16)}=${value.toString(16)}`);
    expect(names.filter((_, i) => i === 0 || i === 1)).toEqual(['14=0', '24=1f001f']);
    expect(names.slice(-2)).toEqual(['14=460060', '14=460061']);
    expect(writes.map(([offset]) => offset)).toEqual([0x14, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x14, 0x14]);
  });

  it('N56 gives up with -ENODEV on a device that never gets ready', () => {
    const machine = new NvmeMachine();
    const { backing } = machine.driver;
    const read = backing.readRegister.bind(backing);
    backing.readRegister = (offset) => (offset === Register.CSTS ? 0 : read(offset));
    expect(machine.driver.probe()).toBe(-19);
    expect(machine.context.log.records.some(({ text }) => text.startsWith('Device not ready; aborting init'))).toBe(
      true,
    );
  });

  it('N57 sends the admin commands of a fresh probe in order', () => {
    const machine = new NvmeMachine({ traced: true });
    machine.driver.probe();
    expect(adminCommands(machine).map((text) => text.replace(/ cdw10=.*/, ''))).toEqual([
      'identify cns=1, ctrlid=0',
      'get_log_page',
      'set_features fid=0xe, sv=0x0, cdw11=0x0',
      'set_features fid=0x16, sv=0x0, cdw11=0x0',
      'security_recv',
      'get_log_page',
      'set_features fid=0x7, sv=0x0, cdw11=0x0',
      'create_cq cqid=1, qsize=1023, cq_flags=0x3, irq_vector=1',
      'create_sq sqid=1, qsize=1023, sq_flags=0x1, cqid=1',
      'dbbuf',
      'set_features fid=0xb, sv=0x0, cdw11=0x100',
      'identify cns=6, ctrlid=0',
      'identify cns=2, ctrlid=0',
      'identify cns=3, ctrlid=0',
      'identify cns=0, ctrlid=0',
      'identify cns=0, ctrlid=0',
      'identify cns=5, ctrlid=0',
    ]);
  });

  it('N57 reads the partition table of a new disk at bytes 0, 4096 and 12288', () => {
    const machine = new NvmeMachine({ traced: true });
    machine.driver.probe();
    const reads = machine.events().filter((line) => line.startsWith('block_rq_issue: 259,0'));
    expect(reads.map((line) => / (\d+) \+ (\d+) /.exec(line)!.slice(1))).toEqual([
      ['0', '8'],
      ['8', '8'],
      ['24', '8'],
    ]);
  });

  it('N56 allocates the completion queue before the submission queue, 512 and 2048 bytes', () => {
    const machine = new NvmeMachine({ traced: true });
    machine.driver.probe();
    const allocations = machine.events().filter((line) => line.startsWith('dma_alloc:'));
    expect(allocations.slice(0, 2).map((line) => /size=(\d+)/.exec(line)![1])).toEqual(['512', '2048']);
  });

  it.each([
    [1, {}, [1, 0, 0]],
    [2, {}, [2, 0, 0]],
    [2, { writeQueues: 1, pollQueues: 1 }, [1, 2, 1]],
  ] as const)('N62 plans queues for %i CPUs and %o', (cpus, parameters, [defaults, read, poll]) => {
    const machine = new NvmeMachine({ controller: { vectors: 65 }, driver: { cpus, parameters } });
    expect(machine.driver.probe()).toBe(0);
    expect(machine.driver.ioQueues.plan).toEqual({ default: defaults, read, poll });
  });

  it.each([
    ['direct', {}, { maxHwSectors: 1024, maxSectors: 1024, maxSegments: 129, maxWriteZeroesSectors: 1024 }],
    ['vtd', {}, { maxHwSectors: 256, maxSectors: 256, maxSegments: 33, maxWriteZeroesSectors: 256 }],
    ['bounce', {}, { maxHwSectors: 504, maxSectors: 504, maxSegments: 64, maxWriteZeroesSectors: 504 }],
  ] as const)('N176 derives the queue limits that Linux shows, %s', (mode, _options, expected) => {
    const machine = new NvmeMachine({ mode });
    machine.driver.probe();
    expect(machine.driver.disk(1)!.queue.limits).toMatchObject({
      ...expected,
      maxSegmentSize: 0xffffffff,
      virtBoundaryMask: 0,
      dmaAlignment: 3,
      maxIntegritySegments: 15,
      logicalBlockSize: 512,
      discardGranularity: 4096,
      maxDiscardSectors: 2147483136 / 512,
      maxDiscardSegments: 255,
      atomicWriteUnitMax: 512,
      writeCache: true,
      fua: true,
    });
  });

  it('N97 comes back from a reset with the same memory and no first-time commands', () => {
    const machine = new NvmeMachine({ traced: true });
    machine.driver.probe();
    const { live } = machine.pages;
    const before = adminCommands(machine).length;
    expect(machine.driver.reset()).toBe(0);
    expect(machine.driver.state.current).toBe('LIVE');
    expect(machine.pages.live).toBe(live);
    const after = adminCommands(machine).slice(before);
    expect(after.filter((text) => text.startsWith('get_log_page'))).toEqual([]);
    expect(after.slice(0, 2).map((text) => text.split(' ')[0])).toEqual(['delete_sq', 'delete_cq']);
  });

  it('N98 N180 frees an HMB list of size 0, queues highest first, completion before submission, then the admin queue', () => {
    const machine = new NvmeMachine({ traced: true, controller: { shadowDoorbells: false } });
    machine.driver.probe();
    const before = machine.events().length;
    machine.driver.remove();
    const frees = machine
      .events()
      .slice(before)
      .filter((line) => line.startsWith('dma_free:'));
    expect(frees.map((line) => Number(/size=(\d+)/.exec(line)![1]))).toEqual([0, 16384, 65536, 512, 2048]);
    expect(machine.driver.state.current).toBe('DEAD');
  });

  it('N67 lends a host memory buffer to a controller that wants one', () => {
    const machine = new NvmeMachine({ traced: true, controller: { hmpre: 1024 } });
    machine.driver.probe();
    expect(machine.driver.hmb.sizeBytes).toBe(4 * 2 ** 20);
    expect(adminCommands(machine)).toContain('set_features fid=0xd, sv=0x0, cdw11=0x1');
  });
});
