import { get, getAddress } from '../../spec/bits.ts';
import * as layout from '../../spec/smmuv3-tables.ts';
import { formatDevice } from '../device-address.ts';
import type { TableDump } from '../table-dump.ts';
import { type WalkStep, walkStep } from '../walk-step.ts';
import type { StreamEntry } from './stream-entries.ts';

const { qw0, qw1, qw2, qw3 } = layout.ContextDescriptor;

/**
 * The first context descriptor of a stream: that of requests without substream (spec H62).
 * @throws {WalkError} `ERR_WALK_TABLE_ABSENT`
 */
export function findContext(dump: TableDump, streamId: number, stream: StreamEntry): StreamEntry {
  const [low, high] = stream.words;
  const entry = layout.StreamTableEntry.qw0;
  const base = getAddress(low, high, entry.S1CONTEXTPTR);
  const device = formatDevice(streamId);
  const steps: WalkStep[] = [...stream.steps];
  let at = base;
  const isTwoLevel =
    get(low, high, entry.S1CDMAX) > 0 && get(low, high, entry.S1FMT) !== layout.ContextTableFormat.LINEAR;
  if (isTwoLevel) {
    const upper = dump.load(base, `the upper context table of ${device}`, new Uint32Array(2));
    const place = { table: 'context-table', level: 0, index: 0, at: base };
    steps.push(walkStep(place, upper, 0, [layout.ContextTableDescriptor]));
    at = getAddress(upper[0], upper[1], layout.ContextTableDescriptor.L2PTR);
  }
  const words = dump.load(at, `the context descriptor of ${device}`, new Uint32Array(8));
  steps.push(walkStep({ table: 'context', level: 0, index: 0, at }, words, 0, [qw0, qw1, qw2, qw3]));
  return { words, steps };
}
