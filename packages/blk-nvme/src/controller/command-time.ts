import { get, join64 } from '../spec/bits.ts';
import { NvmOpcode } from '../spec/opcodes.ts';
import { Cdw0, RwCdw12, SqeWord } from '../spec/sqe.ts';
import type { ControllerState } from './state/controller-state.ts';

const NANOS_PER_SECOND = 1e9;

/** Nanoseconds from the fetch of an I/O command to its execution: latency and bandwidth, or what the machine says. */
export function untilExecution(c: ControllerState, sqe: Uint32Array): number {
  const { latencyNanos, bandwidth, timing } = c.config;
  if (timing !== null) return timing.untilExecution(opcodeOf(sqe), startByte(c, sqe), lengthBytes(c, sqe));
  return bandwidth === 0 ? latencyNanos : latencyNanos + (lengthBytes(c, sqe) * NANOS_PER_SECOND) / bandwidth;
}

/** Nanoseconds from its execution to its completion, which only a machine with virtual time knows. */
export function untilCompletion(c: ControllerState, sqe: Uint32Array): number {
  return c.config.timing?.untilCompletion(opcodeOf(sqe), startByte(c, sqe), lengthBytes(c, sqe)) ?? 0;
}

function opcodeOf(sqe: Uint32Array): number {
  return get(sqe[SqeWord.CDW0], Cdw0.OPC);
}

function startByte(c: ControllerState, sqe: Uint32Array): number {
  return join64(sqe[SqeWord.CDW10], sqe[SqeWord.CDW10 + 1]) * namedBlockBytes(c, sqe);
}

/** Bytes of the blocks that a read or write names. */
function lengthBytes(c: ControllerState, sqe: Uint32Array): number {
  return (get(sqe[SqeWord.CDW12], RwCdw12.NLB) + 1) * namedBlockBytes(c, sqe);
}

/** Bytes of one block of the namespace; 0 for a command that names no blocks. */
function namedBlockBytes(c: ControllerState, sqe: Uint32Array): number {
  const opcode = opcodeOf(sqe);
  if (opcode !== NvmOpcode.READ && opcode !== NvmOpcode.WRITE) return 0;
  return c.namespaces[sqe[SqeWord.NSID] - 1]?.blockBytes ?? 0;
}
