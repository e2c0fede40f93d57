import { IotlbGather } from '@dmalab/iommu';
import { expect, it } from 'vitest';
import { Bio } from '../../block/bio/bio.ts';
import { BLK_STS_IOERR } from '../../block/bio/block-status.ts';
import { REQ_OP_READ } from '../../block/bio/op.ts';
import { NvmeMachine } from '../../testing/nvme-machine.ts';

const FSTS = 0x34;
const PRIMARY_PENDING_FAULT = 2;

it('N141 a mapping killed under an in-flight read: VT-d fault record, status 004h, and no byte moves', () => {
  const machine = new NvmeMachine({ mode: 'vtd', driver: { parameters: { maxRetries: 0 } }, traced: true });
  const { driver, domain, unit, memory, buffers } = machine;
  driver.probe();
  memory.fill(buffers, 4096, 0x5a);
  let status = -1;
  const bio = new Bio().init(REQ_OP_READ, 0);
  bio.addPhys(buffers, 4096);
  bio.endIo = (ended) => {
    status = ended.status;
  };
  driver.disk(1)!.queue.submitBio(bio);
  const mapped = machine.events().findLast((line) => line.startsWith('dma_map_phys:'))!;
  const iova = Number.parseInt(/dma_addr=([0-9a-f]+)/.exec(mapped)![1], 16);
  const gather = new IotlbGather();
  domain!.paging.unmap(iova, 4096, gather);
  domain!.paging.iotlbSync(gather);
  machine.settle();
  expect(unit!.readRegister(FSTS) & PRIMARY_PENDING_FAULT).toBe(PRIMARY_PENDING_FAULT);
  expect(machine.events().some((line) => /nvme_complete_rq.*status=0x4$/.test(line))).toBe(true);
  expect(status).toBe(BLK_STS_IOERR);
  const bytes = new Uint8Array(4096);
  memory.read(buffers, bytes);
  expect(bytes.every((byte) => byte === 0x5a)).toBe(true);
});
