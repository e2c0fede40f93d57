import type { TraceLog } from '@dmalab/trace';
import { readBootFacts } from '../swiotlb/boot-facts.ts';
import type { Bounce, BounceHistory } from '../swiotlb/bounce.ts';
import { masksOfDriver } from '../swiotlb/device-masks.ts';
import type { DeviceMasks } from '../swiotlb/pool-machine.ts';
import type { PoolPressure } from '../swiotlb/pool-pressure.ts';
import { pressureElsewhere } from '../swiotlb/pool-run.ts';
import { mappedBuffers } from './map-requests.ts';
import { type OtherMachine, translates } from './other-machine.ts';
import { elidingDevices, type WhatIfInput } from './what-if-input.ts';

/** A PCI device whose driver asks for nothing (spec S30, S33). */
const PLAIN_MASKS: DeviceMasks = { minAlignMask: 0, segBoundaryMask: 0xffff_ffff };

/** The mappings of a trace that would bounce on another machine, with their frees. */
export function bouncesElsewhere(log: TraceLog, input: WhatIfInput, machine: OtherMachine): BounceHistory {
  const { pool, operations } = input;
  const traced = pool?.history ?? null;
  if (translates(machine)) {
    // Behind an IOMMU only what an untrusted device maps unaligned bounces, and trust is the device's (spec S24f).
    return only(traced, ({ device }) => traced?.behindIommu.has(device) ?? false);
  }
  const isDirectForce = traced !== null && traced.behindIommu.size === 0 && traced.bounces.every(isForced(log));
  const all = isDirectForce ? traced : mappedBuffers(log, operations, elidingDevices(input));
  if (machine.force) return all;
  const masks = tracedMasks(log, traced);
  return only(all, ({ device, orig, size }) => {
    const reach = machine.dmaMaskBits === null ? (masks.get(device) ?? 2 ** 64) : 2 ** machine.dmaMaskBits - 1;
    return orig + size - 1 > reach;
  });
}

/** Null where the machine has no pool, or nothing would bounce. */
export function poolElsewhere(
  log: TraceLog,
  { pool, bootText }: WhatIfInput,
  history: BounceHistory,
  machine: OtherMachine,
): PoolPressure | null {
  if (machine.pool === null || history.bounces.length === 0) return null;
  const { drivers } = readBootFacts(bootText, 1);
  const masks = new Map<string, DeviceMasks>();
  for (const { device } of history.bounces) {
    const known = pool?.setting?.masks.get(device) ?? masksOfDriver(drivers.get(device));
    masks.set(device, known ?? PLAIN_MASKS);
  }
  return pressureElsewhere(log, history, { pool: machine.pool, masks });
}

function isForced(log: TraceLog): (bounce: Bounce) => boolean {
  return ({ event }) => log.force(event);
}

/** A bounce event prints its device's mask; a device that never bounced shows none. */
function tracedMasks(log: TraceLog, traced: BounceHistory | null): Map<string, number> {
  return new Map((traced?.bounces ?? []).map(({ device, event }) => [device, log.dmaMask(event)]));
}

function only(history: BounceHistory | null, stays: (bounce: Bounce) => boolean): BounceHistory {
  const bounces = (history?.bounces ?? []).filter(stays);
  const kept = new Set(bounces);
  return {
    bounces,
    steps: (history?.steps ?? []).filter(({ bounce }) => kept.has(bounce)),
    behindIommu: history?.behindIommu ?? new Set(),
  };
}
