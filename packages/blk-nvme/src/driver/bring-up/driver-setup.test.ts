import { dmaGetMask } from '@dmalab/dma-api';
import { describe, expect, it } from 'vitest';
import { Bio } from '../../block/bio/bio.ts';
import { REQ_OP_READ } from '../../block/bio/op.ts';
import { IdentifyController, IdentifyNamespace } from '../../spec/identify.ts';
import { Register } from '../../spec/registers.ts';
import { NvmeMachine, type NvmeMachineOptions } from '../../testing/nvme-machine.ts';
import { DEFAULT_NVME_PARAMETERS, NVME_ADMIN_TIMEOUT_NANOS, NVME_IO_TIMEOUT_NANOS } from '../constants.ts';
import { parseController } from './identify-controller.ts';
import { namespaceLimits, parseNamespace } from './namespace-limits.ts';

const B = 0x2000_0000;

function probed(options: NvmeMachineOptions = {}): NvmeMachine {
  const machine = new NvmeMachine(options);
  expect(machine.driver.probe()).toBe(0);
  return machine;
}

/** A page with these bytes: offset, width in bytes, value. */
function page(fields: readonly (readonly [at: number, width: 1 | 2 | 4, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  for (const [at, width, value] of fields) {
    if (width === 1) view.setUint8(at, value);
    else if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
  }
  return bytes;
}

describe('what a driver starts with', () => {
  it('N50 admin queues of 32 entries, 30 admin tags, event id 31, 1024 entries and 1023 tags for I/O', () => {
    const machine = probed();
    const { driver } = machine;
    expect(machine.controller.readRegister(Register.AQA)).toBe(0x001f_001f);
    expect(driver.adminPath.tagSet!.depth).toBe(30);
    expect([driver.ioQueues.depth, driver.ioPath.tagSet!.depth]).toEqual([1024, 1023]);
    expect(DEFAULT_NVME_PARAMETERS).toMatchObject({ sglThreshold: 32768, maxHostMemSizeMb: 128, maxRetries: 5 });
    const small = probed({ controller: { queueEntries: 64 } });
    expect([small.driver.ioQueues.depth, small.driver.ioPath.tagSet!.depth]).toEqual([64, 63]);
  });

  it('N53 masks of all address bits, alignment of a page, and requests as large as mappings are best', () => {
    const { device, driver } = probed({ mode: 'vtd' });
    expect([dmaGetMask(device), device.coherentDmaMask]).toEqual([2 ** 52 - 1, 2 ** 52 - 1]);
    expect([device.minAlignMask, device.maxSegSize]).toEqual([4095, 0xffff_ffff]);
    expect(driver.maxHwSectors).toBe(256);
  });

  it('N70 N26 an I/O request has 30 s, an admin request 60 s, and only then is looked at', () => {
    expect([NVME_IO_TIMEOUT_NANOS, NVME_ADMIN_TIMEOUT_NANOS]).toEqual([30e9, 60e9]);
    const machine = probed();
    machine.controller.faults.add({ queue: 'io', times: 1, action: { kind: 'hang' } });
    const bio = new Bio().init(REQ_OP_READ, 0);
    bio.addPhys(B, 4096);
    machine.driver.disk(1)!.queue.submitBio(bio);
    const aborts = (nanos: number) => {
      machine.advance(nanos);
      machine.driver.timeouts.check();
      return machine.context.log.records.filter(({ text }) => text.includes('timeout, aborting')).length;
    };
    expect([aborts(29.9e9), aborts(0.2e9)]).toEqual([0, 1]);
  });
});

describe('queues', () => {
  it('N63 allocates the rings of all queues, completions first, before it creates the first pair', () => {
    const machine = probed({ traced: true, driver: { cpus: 2 } });
    const lines = machine.events().filter((line) => /^dma_alloc: .*size=(16384|65536) |create_[cs]q/.test(line));
    const short = lines.map((line) => /size=\d+|create_.q .qid=\d+/.exec(line)![0]);
    expect(short).toEqual([
      ...['size=16384', 'size=65536', 'size=16384', 'size=65536'],
      ...['create_cq cqid=1', 'create_sq sqid=1', 'create_cq cqid=2', 'create_sq sqid=2'],
    ]);
    expect(machine.events().some((line) => line.includes('cqid=2, qsize=1023, cq_flags=0x3, irq_vector=2'))).toBe(true);
  });

  it('N63 creates a polled queue without interrupts, and N64 gives vector i to queue i', () => {
    const machine = probed({ traced: true, driver: { cpus: 1, parameters: { pollQueues: 1 } } });
    expect(machine.driver.ioPath.queues.map(({ qid, vector }) => [qid, vector])).toEqual([
      [1, 1],
      [2, -1],
    ]);
    expect(machine.events().some((line) => line.includes('cqid=2, qsize=1023, cq_flags=0x1, irq_vector=0'))).toBe(true);
  });

  it('N64 an interrupt without completions is nobody\u2019s', () => {
    expect(probed().driver.poll()).toBe(0);
  });

  it('N66 shadow doorbells take 16 bytes for one CPU, survive a reset zeroed, and save register writes', () => {
    const machine = probed({ traced: true });
    const allocations = machine.events().filter((line) => /^dma_alloc: .*size=16 /.test(line));
    expect(allocations).toHaveLength(2);
    const { backing } = machine.driver;
    let rings = 0;
    const write = backing.writeRegister.bind(backing);
    backing.writeRegister = (offset, value) => {
      if (offset > Register.DOORBELLS + 4) rings++;
      write(offset, value);
    };
    const before = machine.driver.shadow;
    for (let i = 0; i < 8; i++) machine.io(REQ_OP_READ, i * 8, [[B, 4096]]);
    expect(rings).toBeLessThan(16);
    expect(machine.driver.reset()).toBe(0);
    expect(machine.driver.shadow).toBe(before);
    expect(machine.io(REQ_OP_READ, 0, [[B, 4096]]).status).toBe(0);
  });

  it('N66 goes back to plain doorbells when the command fails', () => {
    const machine = new NvmeMachine();
    machine.controller.faults.add({ queue: 'admin', opcode: 0x7c, action: { kind: 'status', status: 0x4002 } });
    expect(machine.driver.probe()).toBe(0);
    expect(machine.driver.shadow).toBeNull();
    expect(machine.io(REQ_OP_READ, 0, [[B, 4096]]).status).toBe(0);
  });
});

describe('what Identify decides', () => {
  it.each([
    [0, 5],
    [1_000_000, 5],
    [20_000_000, 20],
    [90_000_000, 60],
  ])('N60 a shutdown time of %i us is %i s', (micros, seconds) => {
    expect(parseController(page([[IdentifyController.RTD3E, 4, micros]])).shutdownTimeoutSeconds).toBe(seconds);
  });

  it('N60 ACL is 0-based, CRDT counts 100 ms, and the largest transfer only shrinks', () => {
    const identity = parseController(
      page([
        [IdentifyController.ACL, 1, 3],
        [IdentifyController.CRDT1, 2, 7],
      ]),
    );
    expect([identity.abortLimit, identity.crdtMillis[0]]).toEqual([4, 700]);
    const { driver } = probed({ controller: { mdts: 5 } });
    expect(driver.maxHwSectors).toBe(256);
    driver.adopt(page([[IdentifyController.MDTS, 1, 9]]));
    expect(driver.maxHwSectors).toBe(256);
    driver.adopt(page([[IdentifyController.MDTS, 1, 3]]));
    expect(driver.maxHwSectors).toBe(64);
  });

  const NVM = { dmrl: 0, dmrsl: 0, wzsl: 0 };
  const limitsOf = (
    controller: Parameters<typeof page>[0],
    namespace: Parameters<typeof page>[0],
    nvm: Partial<typeof NVM> = {},
  ) => {
    const identity = parseController(page(controller));
    const ns = parseNamespace(page([[IdentifyNamespace.LBAF + 2, 1, 9], ...namespace]));
    return namespaceLimits(new NvmeMachine().device, 1024, identity, { ...NVM, ...nvm }, ns);
  };

  it.each([
    [
      'a size that no block has: 512 and no capacity',
      [],
      [[IdentifyNamespace.LBAF + 2, 1, 3]],
      { logicalBlockSize: 512 },
    ],
    ['4096-byte blocks', [], [[IdentifyNamespace.LBAF + 2, 1, 12]], { logicalBlockSize: 4096, ioMin: 4096 }],
    ['no SGLs', [], [], { virtBoundaryMask: 4095, maxIntegritySegments: 1, maxSegments: 129 }],
    [
      'SGLs for data and metadata',
      [[IdentifyController.SGLS, 4, 0x80001]],
      [],
      { virtBoundaryMask: 0, maxIntegritySegments: 15 },
    ],
    [
      'write granularity',
      [],
      [
        [IdentifyNamespace.NSFEAT, 1, 0x10],
        [IdentifyNamespace.NPWG, 2, 7],
      ],
      { ioMin: 4096 },
    ],
    [
      'the best size',
      [],
      [
        [IdentifyNamespace.NSFEAT, 1, 0x10],
        [IdentifyNamespace.NOWS, 2, 15],
      ],
      { ioOpt: 8192 },
    ],
    [
      'atomic writes of a namespace',
      [],
      [
        [IdentifyNamespace.NSFEAT, 1, 2],
        [IdentifyNamespace.NAWUPF, 2, 7],
      ],
      { atomicWriteHwMax: 4096, atomicWriteHwUnitMax: 4096 },
    ],
    ['a shifted atomic boundary', [], [[IdentifyNamespace.NABO, 2, 1]], { atomicWrites: false }],
    ['an optimal boundary', [], [[IdentifyNamespace.NOIOB, 2, 256]], { chunkSectors: 256 }],
    ['a boundary that is no power of two', [], [[IdentifyNamespace.NOIOB, 2, 100]], { chunkSectors: 0 }],
    ['no Dataset Management', [], [], { maxHwDiscardSectors: 0 }],
    [
      'Dataset Management',
      [[IdentifyController.ONCS, 2, 4]],
      [],
      { maxHwDiscardSectors: 0xffff_ffff, maxDiscardSegments: 256 },
    ],
    [
      'Write Zeroes',
      [[IdentifyController.ONCS, 2, 8]],
      [],
      { maxWriteZeroesSectors: 1024, maxHwWzeroesUnmapSectors: 0 },
    ],
    ['a volatile cache', [[IdentifyController.VWC, 1, 1]], [], { writeCache: true, fua: true }],
  ] as const)('N61 %s', (_what, controller, namespace, expected) => {
    expect(limitsOf(controller, namespace)).toMatchObject(expected);
  });

  it('N61 takes discard and write-zeroes sizes from CNS 06h', () => {
    const oncs = [[IdentifyController.ONCS, 2, 12]] as const;
    const expected = { maxHwDiscardSectors: 100, maxDiscardSegments: 9, maxWriteZeroesSectors: 64 };
    expect(limitsOf(oncs, [], { dmrl: 9, dmrsl: 100, wzsl: 3 })).toMatchObject(expected);
  });

  it('N69 knows an old emulated device: CNS 0 and 1 only, no write zeroes, bogus identifiers', () => {
    const machine = probed({ traced: true, driver: { pciId: { vendor: 0x8086, device: 0x5845 } } });
    const cns = machine.events().flatMap((line) => /identify cns=(\d+)/.exec(line)?.[1] ?? []);
    expect(new Set(cns)).toEqual(new Set(['0', '1']));
    expect(machine.driver.disk(1)!.queue.limits).toMatchObject({ maxWriteZeroesSectors: 0, maxWzeroesUnmapSectors: 0 });
    expect(machine.context.log.records.some(({ text }) => text === 'Ignoring bogus Namespace Identifiers')).toBe(true);
    const plain = probed({ driver: { pciId: { vendor: 0x1b36, device: 0x0010 } } });
    expect(plain.driver.disk(1)!.queue.limits.maxWriteZeroesSectors).toBe(1024);
  });
});
