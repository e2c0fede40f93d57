import { NvmeDriver, type NvmeParameters } from '@dmalab/blk-nvme';
import type { Machine, NvmePart, RunningMachine } from './machine.ts';

/** The driver could not bring a disk up. */
export class BringUpError extends Error {
  readonly code = 'ERR_BRING_UP';

  constructor(machine: string, disk: string, errno: number) {
    super(
      `machine ${machine}: the NVMe driver's probe of ${disk} returned ${errno}; the machine's kernel log says why`,
    );
    this.name = 'BringUpError';
  }
}

/** Longer than any deferred unmap waits (spec I102). */
const SETTLE_NANOS = 100_000_000;
const SETTLE_STEPS = 20;

/**
 * Probes the disks: each driver resets and enables its controller, makes queues and finds the namespace.
 * @param parameters the driver's module parameters
 * @throws {BringUpError} when a probe fails
 */
export function bringUp(machine: Machine, parameters: Partial<NvmeParameters> = {}): RunningMachine {
  const { disks, kernel, ring } = machine;
  const drivers = disks.map((disk, instance) => probe(machine, disk, instance, parameters));
  const namespace = disks[0].controller.namespace(1);
  const disk = drivers[0].disk(1);
  if (namespace === undefined || disk === undefined) {
    throw new BringUpError(machine.description.name, disks[0].backing.id, 0);
  }
  const advance = (nanoseconds: number): void => {
    kernel.nowNanos += nanoseconds;
    if (ring.on) ring.setTime(kernel.nowNanos / 1000);
    for (let i = 0; i < disks.length; i++) {
      disks[i].backing.advance(nanoseconds);
      drivers[i].poll();
      disks[i].domain?.runTimers();
    }
  };
  return {
    ...machine,
    driver: drivers[0],
    drivers,
    disk: { queue: disk.queue, media: namespace.media },
    advance,
    remove() {
      for (const driver of drivers) driver.remove();
      for (let i = 0; i < SETTLE_STEPS; i++) advance(SETTLE_NANOS);
      detach(machine);
    },
  };
}

/** Takes every disk out of its domain; without mappings the tables hold nothing but themselves. */
export function detach({ disks, iommu }: Machine): void {
  for (const { pciFunction, paging } of disks) {
    iommu?.driver.detachDevice(pciFunction.rid);
    paging?.destroy();
  }
}

function probe(
  { description, nvme }: Machine,
  { device, backing, pciFunction }: NvmePart,
  instance: number,
  parameters: Partial<NvmeParameters>,
): NvmeDriver {
  // Partitions are looked for on the disk that is used; the others wait for work.
  const scanCpu = backing === nvme.backing ? 0 : -1;
  const driver = new NvmeDriver({
    device,
    backing,
    instance,
    cpus: description.cpus,
    scanCpu,
    parameters,
    pciId: pciFunction,
  });
  const errno = driver.probe();
  if (errno !== 0) throw new BringUpError(description.name, backing.id, errno);
  return driver;
}
