import { EventKind, type Trace } from '@dmalab/trace';
import { BlockIoCollector, type BlockIos } from './block-ios.ts';

const NANOS_PER_MICRO = 1000;

/**
 * The requests of a kernel trace as its disks were given them: its `block_rq_issue` events.
 * @throws {BlockTraceError} when there is nothing to run
 */
export function readBlockEvents({ log, counts }: Trace, file: string): BlockIos {
  const collector = new BlockIoCollector();
  for (let i = 0; i < log.length; i++) {
    if (log.kind(i) !== EventKind.BLOCK_RQ_ISSUE) {
      collector.skip('other events');
      continue;
    }
    collector.add({
      device: log.device(i),
      rwbs: log.rwbs(i),
      sector: log.address(i),
      sectors: log.sectors(i),
      nanos: log.time(i) * NANOS_PER_MICRO,
    });
  }
  for (let i = 0; i < counts.notUnderstood; i++) collector.skip('lines that are no event');
  return collector.finish(file);
}
