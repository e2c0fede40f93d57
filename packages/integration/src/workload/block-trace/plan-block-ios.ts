import type { MachineDescription } from '../../machine/machine-description.ts';
import type { WorkloadIo } from '../job-stream.ts';
import { type IoSource, NO_PACE, type WorkloadPlan } from '../workload-plan.ts';
import type { BlockIos } from './block-ios.ts';

const MIB = 2 ** 20;
/** Memory for buffers, at most: what a machine of 1 GiB can spare. */
const BUFFER_BYTES = 256 * MIB;
const MOST_IN_FLIGHT = 1023;

export interface BlockTraceOptions {
  /** `trace`: when the trace has them, however many are in flight. `depth`: as fast as so many in flight allow. */
  readonly pace: 'trace' | 'depth';
  /** Default 32; with `trace` as many as memory has buffers for. */
  readonly depth?: number;
}

/** A workload of what a trace shows: the same offsets, sizes and directions, in the same order, verified. */
export function planBlockIos(ios: BlockIos, options: BlockTraceOptions): WorkloadPlan {
  const largestBytes = ios.lengthBytes.reduce((most, bytes) => Math.max(most, bytes), 0);
  const mostBuffers = Math.max(1, Math.min(MOST_IN_FLIGHT, Math.floor(BUFFER_BYTES / largestBytes)));
  const depth = options.pace === 'trace' ? mostBuffers : Math.min(options.depth ?? 32, mostBuffers);
  const ioBytes = ios.lengthBytes.reduce((sum, bytes) => sum + bytes, 0);
  const source = new BlockIoSource(ios, options.pace === 'trace');
  return {
    jobs: [`disk ${ios.device}`],
    threads: [{ job: 0, source, depth, largestBytes, ioBytes, group: 0, pace: NO_PACE, isPolled: false }],
    regions: touchedRegions(ios),
  };
}

/** The machine with a disk that is large enough for a trace. */
export function withRoomFor(description: MachineDescription, ios: BlockIos): MachineDescription {
  const end = touchedRegions(ios).reduce(
    (most, { startBytes, sizeBytes }) => Math.max(most, startBytes + sizeBytes),
    0,
  );
  const diskBytes = Math.max(description.diskBytes, Math.ceil(end / MIB) * MIB);
  return { ...description, diskBytes };
}

class BlockIoSource implements IoSource {
  readonly #ios: BlockIos;
  readonly #isPaced: boolean;
  #at = 0;

  constructor(ios: BlockIos, isPaced: boolean) {
    this.#ios = ios;
    this.#isPaced = isPaced;
  }

  next(io: WorkloadIo): boolean {
    const i = this.#at;
    if (i === this.#ios.count) return false;
    io.isWrite = this.#ios.isWrite[i] === 1;
    io.offsetBytes = this.#ios.offsetBytes[i];
    io.lengthBytes = this.#ios.lengthBytes[i];
    io.dueNanos = this.#isPaced ? this.#ios.timeNanos[i] : 0;
    this.#at++;
    return true;
  }
}

/** What the requests touch, without overlaps, ascending. */
function touchedRegions({ count, offsetBytes, lengthBytes }: BlockIos): { startBytes: number; sizeBytes: number }[] {
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => offsetBytes[a] - offsetBytes[b]);
  const regions: { startBytes: number; sizeBytes: number }[] = [];
  for (const i of order) {
    const last = regions.at(-1);
    const end = offsetBytes[i] + lengthBytes[i];
    if (last === undefined || offsetBytes[i] > last.startBytes + last.sizeBytes) {
      regions.push({ startBytes: offsetBytes[i], sizeBytes: lengthBytes[i] });
    } else last.sizeBytes = Math.max(last.sizeBytes, end - last.startBytes);
  }
  return regions;
}
