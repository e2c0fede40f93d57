import { bringUp, buildMachine, MACHINES, parseFioJobs, WorkloadRunner } from '@dmalab/integration';
import { renderEvent } from '@dmalab/trace';

const ROUNDS_BETWEEN_DRAINS = 16;
const JOB = '[endless]\nrw=randrw\nbssplit=4k/80:64k/20\nsize=32m\nio_size=1t\niodepth=16\n';

/**
 * Prints the trace of a busy machine of any length, consistent from the first mapping on:
 * `node tools/long-trace.ts x86-vtd-strict 7500000 | dmalab replay -` shows what a GiB of trace costs to replay.
 */
function* longTrace(machineName: string, events: number): Generator<string> {
  const machine = bringUp(buildMachine(MACHINES[machineName]));
  const { ring } = machine;
  const runner = new WorkloadRunner(machine, parseFioJobs(JOB, 'endless.fio'));
  ring.on = true;
  yield '# tracer: nop\n#\n';
  for (let left = events; left > 0; ) {
    for (let round = 0; round < ROUNDS_BETWEEN_DRAINS; round++) runner.round();
    const { log, lostEvents } = ring.toLog();
    if (lostEvents > 0) throw new Error('the recorder was emptied too late');
    const lines = Math.min(left, log.length);
    yield Array.from({ length: lines }, (_, i) => `${renderEvent(log, i)}\n`).join('');
    ring.clear();
    left -= lines;
  }
}

const [name, events] = process.argv.slice(2);
for (const text of longTrace(name, Number(events))) {
  if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}
