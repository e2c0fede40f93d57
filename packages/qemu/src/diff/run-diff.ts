import type { QemuDifferenceId } from '../differences.ts';
import { ENGINE_BYTES } from '../engine/dma-engine.ts';
import type { DiffSide } from './diff-side.ts';
import { diffSides } from './diff-units.ts';
import { knownDifference } from './known-difference.ts';
import type { Operation, Sequence } from './operation.ts';

/** The first step that ended differently. */
export interface SequenceDifference {
  readonly line: number;
  readonly text: string;
  readonly model: string;
  readonly qemu: string;
}

/** How far both sides went together. */
export interface DiffReport {
  readonly unit: string;
  /** QEMU's. */
  readonly version: string;
  readonly steps: number;
  /** Steps that were played, the differing one included. */
  readonly played: number;
  readonly difference: SequenceDifference | null;
  /** Rows of QEMU_DIFFERENCES that were met on the way, with the lines. */
  readonly known: readonly { readonly id: QemuDifferenceId; readonly line: number }[];
}

/**
 * Plays a sequence on our model and on QEMU in lockstep, up to the first step that answers differently in a way that no
 * row of QEMU_DIFFERENCES explains.
 * @param program which QEMU; default: the one of the unit's architecture
 * @throws {QemuError}
 */
export function runDiff(sequence: Sequence, program?: string): DiffReport {
  const rids = new Set(sequence.steps.flatMap(({ operation }) => (operation.kind === 'dma' ? [operation.rid] : [])));
  const sides = diffSides(sequence.unit, [...rids], program);
  try {
    return playBoth(sequence, sides);
  } finally {
    sides.qemu.close();
  }
}

/** The same on sides that are there. */
export function playBoth(
  { unit, steps }: Sequence,
  { model, qemu, version }: { readonly model: DiffSide; readonly qemu: DiffSide; readonly version: string },
): DiffReport {
  const known: { id: QemuDifferenceId; line: number }[] = [];
  const report = (played: number, difference: SequenceDifference | null): DiffReport => {
    return { unit, version, steps: steps.length, played, difference, known };
  };
  for (const [index, { line, text, operation }] of steps.entries()) {
    const [ours, theirs] = [model, qemu].map((side) => play(side, operation, line));
    if (ours === theirs) continue;
    const id = knownDifference(unit, operation, ours, theirs);
    if (id === null) return report(index + 1, { line, text, model: ours, qemu: theirs });
    known.push({ id, line });
  }
  return report(steps.length, null);
}

/** Plays a step; what it answers, as text, empty where it answers nothing. */
function play(side: DiffSide, operation: Operation, line: number): string {
  switch (operation.kind) {
    case 'readl':
      return `0x${side.readRegister(operation.offset).toString(16)}`;
    case 'writel':
      side.writeRegister(operation.offset, operation.value);
      return '';
    case 'read':
      return hex(side.readMemory(operation.at, operation.lengthBytes));
    case 'write':
      side.writeMemory(operation.at, operation.bytes);
      return '';
    case 'clock':
      side.advance(operation.nanoseconds);
      return '';
    case 'dma':
      if (!operation.isWrite) return hex(side.dmaRead(operation.rid, operation.iova));
      side.dmaWrite(operation.rid, operation.iova, stamped(line));
      return '';
  }
}

/** What a device writes: the number of the line, over and over, so that memory shows which step it came from. */
function stamped(line: number): Uint8Array {
  return new Uint8Array(new Uint32Array(ENGINE_BYTES / 4).fill(line).buffer);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
