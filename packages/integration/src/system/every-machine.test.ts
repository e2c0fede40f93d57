import { describe, expect, it } from 'vitest';
import { bringUp, detach } from '../machine/bring-up.ts';
import { type BuildOptions, buildMachine } from '../machine/build-machine.ts';
import type { Machine, RunningMachine } from '../machine/machine.ts';
import type { MachineDescription } from '../machine/machine-description.ts';
import { MACHINES } from '../machine/presets.ts';
import { parseFioJobs } from '../workload/fio-parser.ts';
import { WorkloadRunner } from '../workload/workload-runner.ts';

const JOB = '[mixed]\nrw=randrw\nbssplit=512/10:4k/50:20k/20:128k/20\nsize=4m\nio_size=1m\niodepth=8\nnumjobs=2\n';
const jobs = parseFioJobs(JOB, 'mixed.fio');
const eras = ['page', 'phys'] as const;
const everyMachine = Object.values(MACHINES).flatMap((machine) => eras.map((era) => ({ ...machine, era })));

function run(description: MachineDescription, options: BuildOptions = {}) {
  const machine = bringUp(buildMachine(description, options));
  const runner = new WorkloadRunner(machine, jobs);
  while (runner.round());
  return { machine, result: runner.finish() };
}

const freePages = ({ pages }: Machine): number => pages.zoneFigures().reduce((sum, { free }) => sum + free, 0);

/** The same machine, switched on and off without a driver ever having looked at it. */
function untouched(description: MachineDescription): Machine {
  const machine = buildMachine(description);
  detach(machine);
  return machine;
}

function liveTags({ drivers }: RunningMachine): number {
  const contexts = drivers.flatMap(({ ioPath, adminPath }) =>
    [ioPath, adminPath].flatMap((p) => p.tagSet?.contexts ?? []),
  );
  return contexts.reduce((sum, { inFlight }) => sum + inFlight.filter((request) => request !== null).length, 0);
}

/** Ranges in use; those that a processor keeps for its next allocation are given back first. */
function liveIovas({ disks }: Machine): number[] {
  return disks.map(({ domain }) => {
    domain?.iova.flushCaches();
    return domain?.iova.rangeCount ?? 0;
  });
}

describe.each(everyMachine)('$name, $era', (description) => {
  it('verifies every block, breaks no rule of dma-debug, and leaves nothing behind', () => {
    const { machine, result } = run(description, { dmaDebug: true });
    expect(result.bytesVerified).toBeGreaterThan(500_000);
    machine.remove();
    const before = untouched(description);
    expect(machine.dma.debug?.state.findings.list).toEqual([]);
    expect(liveTags(machine)).toBe(0);
    expect(liveIovas(machine)).toEqual(liveIovas(before));
    expect(machine.swiotlb?.used ?? 0).toBe(0);
    expect(freePages(machine)).toBe(freePages(before));
  });
});
