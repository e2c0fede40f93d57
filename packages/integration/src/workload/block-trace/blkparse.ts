import { BlockIoCollector, type BlockIos, type TracedRequest } from './block-ios.ts';

/** `MAJ,MIN CPU SEQUENCE SECONDS PID ACTION RWBS SECTOR + SECTORS [PROCESS]`: what blkparse prints unless told otherwise. */
const LINE =
  /^\s*(?<device>\d+,\d+)\s+\d+\s+\d+\s+(?<seconds>\d+)\.(?<fraction>\d{9})\s+\d+\s+(?<action>[A-Z]{1,2})\s+(?<rwbs>[A-Z]+)(?:\s+(?<sector>\d+)\s+\+\s+(?<sectors>\d+))?/;

/** The line is one of blkparse's. */
export function isBlkparseLine(line: string): boolean {
  return LINE.test(line);
}

/**
 * Reads the text of `blkparse`: requests as they were issued to the disk (D), or queued (Q) where the trace has no D.
 * @throws {BlockTraceError} when there is nothing to run
 */
export function readBlkparse(text: string, file: string): BlockIos {
  const collector = new BlockIoCollector();
  const issued: TracedRequest[] = [];
  const queued: TracedRequest[] = [];
  for (const line of text.split('\n')) {
    const groups = LINE.exec(line)?.groups;
    if (groups === undefined) {
      if (line.trim() !== '') collector.skip('lines that are no event');
      continue;
    }
    const { device, seconds, fraction, action, rwbs, sector, sectors } = groups;
    const nanos = Number(seconds) * 1e9 + Number(fraction);
    const request = { device, rwbs, sector: Number(sector ?? 0), sectors: Number(sectors ?? 0), nanos };
    if (action === 'D') issued.push(request);
    else if (action === 'Q') queued.push(request);
    else collector.skip(`events ${action}`);
  }
  for (const request of issued.length > 0 ? issued : queued) collector.add(request);
  if (issued.length > 0) for (let i = 0; i < queued.length; i++) collector.skip('events Q');
  return collector.finish(file);
}
