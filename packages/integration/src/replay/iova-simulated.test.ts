import { readTrace, renderEvent } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { KernelSimulator, type SimulatedDevice } from './iova/testing/kernel-simulator.ts';
import { replayIova } from './iova.ts';

const NVME0: SimulatedDevice = { name: '0000:00:03.0', controller: 'nvme0' };
const NVME1: SimulatedDevice = { name: '0000:00:04.0', controller: 'nvme1' };
const NETWORK: SimulatedDevice = { name: '0000:00:02.0', subPage: true, ring: 256, softirq: true };

/** Machines that no trace at hand shows; the addresses come from our own allocator, the disorder from the simulator. */
describe('simulated machines are explained completely', () => {
  it.each([
    ['a network card with a receive ring', 1, [NETWORK]],
    ['two NVMe controllers, both with the same addresses', 1, [NVME0, NVME1]],
    ['network card and NVMe', 1, [NETWORK, NVME0]],
    ['the same on two CPUs', 2, [NETWORK, NVME0]],
  ])('I240-I246 %s', (_, cpus, devices) => {
    for (const lazy of [false, true]) {
      const trace = new KernelSimulator({ seed: 7, lazy, cpus, devices, requests: 1000 }).run();
      const agreement = replayIova(trace.log, { cpus });
      expect(trace.notes).toEqual([]);
      expect(agreement.compared).toBeGreaterThan(450);
      expect(agreement).toMatchObject({ agree: agreement.compared, unexplained: 0 });
      expect(agreement.domains.map(({ mode }) => mode)).toEqual(devices.map(() => (lazy ? 'lazy' : 'strict')));
      expect(new Set(agreement.domains.flatMap((domain) => domain.devices))).toEqual(
        new Set(devices.map(({ name }) => name)),
      );
    }
  });
});

it('a trace that lost events leaves residuals where they are missed, and is followed to its end', () => {
  const { log } = new KernelSimulator({ seed: 3, lazy: false, cpus: 1, devices: [NVME0], requests: 300 }).run();
  const lines = Array.from({ length: log.length }, (_, i) => `${renderEvent(log, i)}\n`);
  const lost = Array.from({ length: log.length }, (_, i) => i).find(
    (i) => i > 100 && log.name(i) === 'dma_unmap_phys',
  ) as number;
  lines.splice(lost - 1, 2); // its unmap, too
  const agreement = replayIova(readTrace(new TextEncoder().encode(lines.join(''))).log);
  expect(agreement.compared).toBe(replayIova(log).compared);
  expect(agreement.unexplained).toBeGreaterThan(0);
  expect(agreement.unexplained).toBeLessThan(10);
  expect(agreement.residuals[0].line).toBeGreaterThan(lost - 1);
});
