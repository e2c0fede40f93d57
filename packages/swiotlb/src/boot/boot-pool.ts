import { IO_TLB_DEFAULT_SLOTS, IO_TLB_MIN_SLABS, IO_TLB_SEGSIZE, IO_TLB_SIZE } from '../constants.ts';
import { SwiotlbError } from '../errors.ts';
import type { PoolGeometry } from '../pool/pool.ts';
import { areasFor, parseSwiotlbParameter, type SwiotlbParameter, setAreas } from './parameter.ts';
import { type AddressRange, highestHole } from './placement.ts';

const GIB = 2 ** 30;
const FOUR_GIB = 4 * GIB;

/** The machine as the boot code sees it when it decides about the default pool. */
export interface BootMachine {
  readonly platform: 'x86' | 'arm64' | 'riscv';
  readonly commandLine: string;
  /** CPUs that are there or could be plugged in (spec S13). */
  readonly possibleCpus: number;
  /** All RAM, in any order. */
  readonly ram: readonly AddressRange[];
  readonly memoryEncryption?: 'none' | 'guest' | 'host';
  /** riscv: some device is not cache coherent (spec S16). */
  readonly nonCoherentDevices?: boolean;
  /** arm64: highest address that every device reaches, exclusive (spec S16). Default 4 GiB. */
  readonly dmaLimit?: number;
  /** What the kernel was built with; default 64 MiB (spec S2). */
  readonly defaultSlots?: number;
}

/** What the boot code decided, before it looks for a place. */
export interface PoolPlan {
  /** False: this machine gets no pool. */
  readonly wanted: boolean;
  readonly slots: number;
  readonly areas: number;
  readonly force: boolean;
  readonly trackHiwater: boolean;
  /** The pool may lie anywhere, not only below 4 GiB (spec S16). */
  readonly anywhere: boolean;
  /** What the kernel log says. */
  readonly lines: readonly string[];
}

/** Decides whether a machine gets a pool, and how large: spec S11 to S17. */
export function planBootPool(machine: BootMachine): PoolPlan {
  checkMachine(machine);
  const defaultSlots = machine.defaultSlots ?? IO_TLB_DEFAULT_SLOTS;
  const parameter = parseSwiotlbParameter(machine.commandLine, defaultSlots);
  const { lines } = parameter;
  const need = platformNeed(machine, parameter);
  if (need.wanted && parameter.noforce) lines.push('software IO TLB: No low mem');
  const wanted = need.wanted && !parameter.noforce;
  if (wanted) settleSize(machine, parameter, defaultSlots, need.bouncesSmallBuffersOnly);
  return {
    wanted,
    slots: parameter.slots,
    areas: parameter.areas,
    force: parameter.force && !parameter.noforce,
    trackHiwater: parameter.trackHiwater,
    anywhere: need.bouncesSmallBuffersOnly && machine.platform === 'riscv',
    lines,
  };
}

/** Spec S15, S16. */
function platformNeed(machine: BootMachine, { force }: SwiotlbParameter) {
  const ramEnd = Math.max(0, ...machine.ram.map((range) => range.end));
  const small = { wanted: true, bouncesSmallBuffersOnly: true };
  const full = { wanted: true, bouncesSmallBuffersOnly: false };
  const none = { wanted: false, bouncesSmallBuffersOnly: false };
  if (machine.platform === 'arm64') return ramEnd <= (machine.dmaLimit ?? FOUR_GIB) ? small : full;
  if (machine.platform === 'riscv') {
    if (ramEnd > FOUR_GIB) return full;
    return machine.nonCoherentDevices ? small : none;
  }
  const words = machine.commandLine.split(/\s+/);
  const encrypted = (machine.memoryEncryption ?? 'none') !== 'none';
  const above4G = ramEnd > FOUR_GIB && !words.includes('iommu=off');
  return above4G || encrypted || words.includes('iommu=soft') || force ? full : none;
}

function settleSize(machine: BootMachine, parameter: SwiotlbParameter, defaultSlots: number, small: boolean): void {
  const { lines } = parameter;
  const ramBytes = machine.ram.reduce((sum, { start, end }) => sum + end - start, 0);
  if (small) {
    const slots = roundUpTo(Math.floor(ramBytes / 1024) / IO_TLB_SIZE, IO_TLB_SEGSIZE);
    parameter.slots = Math.min(parameter.slots, slots);
  }
  if (machine.memoryEncryption === 'guest' && machine.platform === 'x86' && parameter.slots === defaultSlots) {
    const bytes = Math.min(Math.max(ramBytes * 0.06, 64 * 2 ** 20), GIB); // spec S17
    parameter.slots = roundUpTo(Math.ceil(bytes / IO_TLB_SIZE), IO_TLB_SEGSIZE);
    lines.push(`SWIOTLB bounce buffer size adjusted to ${Math.floor((parameter.slots * IO_TLB_SIZE) / 2 ** 20)}MB`);
  }
  if (parameter.areas === 0) setAreas(parameter, machine.possibleCpus, lines); // spec S13
}

/** What became of a plan. */
export interface BootPool {
  /** Null: no pool. */
  readonly geometry: PoolGeometry | null;
  readonly lines: readonly string[];
}

/**
 * Reserves the memory of a planned pool, halving it until it fits (spec S18, S19).
 *
 * @param free RAM that nothing has reserved yet
 */
export function reserveBootPool(plan: PoolPlan, free: readonly AddressRange[]): BootPool {
  if (!plan.wanted) return { geometry: null, lines: [] };
  const lines: string[] = [];
  const limit = plan.anywhere ? Number.POSITIVE_INFINITY : FOUR_GIB;
  let slotCount = plan.slots;
  let areaCount = areasFor(slotCount, plan.areas);
  let start = highestHole(free, slotCount * IO_TLB_SIZE, limit);
  while (start < 0) {
    lines.push(
      `software IO TLB: swiotlb_memblock_alloc: Failed to allocate ${slotCount * IO_TLB_SIZE} bytes tlb structure`,
    );
    if (slotCount <= IO_TLB_MIN_SLABS) return { geometry: null, lines };
    slotCount = roundUpTo(slotCount / 2, IO_TLB_SEGSIZE);
    areaCount = areasFor(slotCount, areaCount);
    start = highestHole(free, slotCount * IO_TLB_SIZE, limit);
  }
  if (slotCount !== plan.slots) {
    lines.push(`software IO TLB: SWIOTLB bounce buffer size adjusted ${plan.slots} -> ${slotCount} slabs`);
  }
  return { geometry: { start, slotCount, areaCount }, lines };
}

/** The line that announces a pool; its end is exclusive (spec S22). */
export function mappedLine({ start, slotCount }: PoolGeometry): string {
  const bytes = slotCount * IO_TLB_SIZE;
  const range = `[mem ${hex16(start)}-${hex16(start + bytes)}]`;
  return `software IO TLB: mapped ${range} (${Math.floor(bytes / 2 ** 20)}MB)`;
}

function hex16(value: number): string {
  return `0x${value.toString(16).padStart(16, '0')}`;
}

function roundUpTo(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

function checkMachine({ possibleCpus, ram }: BootMachine): void {
  if (!(Number.isInteger(possibleCpus) && possibleCpus >= 1)) {
    throw new SwiotlbError('ERR_SWIOTLB_BOOT', `${possibleCpus} possible CPUs: a machine has at least one`);
  }
  if (ram.length === 0) throw new SwiotlbError('ERR_SWIOTLB_BOOT', 'the machine has no RAM range');
}
