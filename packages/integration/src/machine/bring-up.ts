import { NvmeDriver, type NvmeParameters } from '@dmalab/blk-nvme';
import type { Machine, RunningMachine } from './machine.ts';

/** The driver could not bring the disk up. */
export class BringUpError extends Error {
  readonly code = 'ERR_BRING_UP';

  constructor(machine: string, errno: number) {
    super(`machine ${machine}: the NVMe driver's probe returned ${errno}; the kernel log of the machine says why`);
    this.name = 'BringUpError';
  }
}

/**
 * Probes the disk: the driver resets and enables the controller, makes queues and finds the namespace.
 * @param parameters the driver's module parameters
 * @throws {BringUpError} when the probe fails
 */
export function bringUp(machine: Machine, parameters: Partial<NvmeParameters> = {}): RunningMachine {
  const { nvme, kernel, ring, description } = machine;
  const driver = new NvmeDriver({ device: nvme.device, backing: nvme.backing, cpus: description.cpus, parameters });
  const errno = driver.probe();
  const namespace = nvme.controller.namespace(1);
  const disk = driver.disk(1);
  if (errno !== 0 || namespace === undefined || disk === undefined) throw new BringUpError(description.name, errno);
  return {
    ...machine,
    driver,
    disk: { queue: disk.queue, media: namespace.media },
    advance(nanoseconds) {
      kernel.nowNanos += nanoseconds;
      if (ring.on) ring.setTime(kernel.nowNanos / 1000);
      nvme.backing.advance(nanoseconds);
      driver.poll();
      nvme.domain?.runTimers();
    },
  };
}
