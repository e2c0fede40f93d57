import { get } from '../../spec/bits.ts';
import { SelfTestLog } from '../../spec/log-pages.ts';
import { NSID_ALL, SelfTestCdw10, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import type { BackgroundJob } from '../state/background-work.ts';
import type { ControllerState } from '../state/controller-state.ts';

const SHORT = 1;
const EXTENDED = 2;
const ABORT = 0xf;
/** How a test ended (NVMe Base 2.0c, Self-test Result). */
const PASSED = 0;
const ABORTED_BY_COMMAND = 1;
const ABORTED_BY_RESET = 2;

interface RunningTest {
  readonly code: number;
  readonly nsid: number;
  readonly startedNanos: number;
  readonly job: BackgroundJob;
}

/** The self-test that is running, and the results of those before; results outlive resets. */
export class SelfTests {
  running: RunningTest | null = null;
  /** Newest first. */
  readonly results: { readonly outcome: number; readonly code: number; readonly nsid: number }[] = [];

  end(c: ControllerState, outcome: number): void {
    if (this.running === null) return;
    const { code, nsid, job } = this.running;
    c.background.cancel(job);
    this.running = null;
    this.results.unshift({ outcome, code, nsid });
    this.results.length = Math.min(this.results.length, SelfTestLog.RESULTS);
  }
}

/** Device Self-test (spec N150, outline): takes its time and passes. */
export function selfTest(c: ControllerState, sqe: Uint32Array): number {
  const code = get(sqe[SqeWord.CDW10], SelfTestCdw10.STC);
  const nsid = sqe[SqeWord.NSID];
  if (code !== SHORT && code !== EXTENDED && code !== ABORT) return dnr(Status.INVALID_FIELD);
  if (nsid !== 0 && nsid !== NSID_ALL && c.namespaces[nsid - 1] === undefined) return dnr(Status.INVALID_NS);
  if (code === ABORT) {
    c.selfTests.end(c, ABORTED_BY_COMMAND);
    return Status.SUCCESS;
  }
  if (c.selfTests.running !== null) return dnr(Status.SELF_TEST_IN_PROGRESS);
  const job = c.background.start(c.nowNanos, c.config.selfTestNanos, () => c.selfTests.end(c, PASSED));
  c.selfTests.running = { code, nsid, startedNanos: c.nowNanos, job };
  return Status.SUCCESS;
}

/** A controller reset ends a short test; an extended one goes on. */
export function resetSelfTest(c: ControllerState): void {
  if (c.selfTests.running?.code === SHORT) c.selfTests.end(c, ABORTED_BY_RESET);
}

/** Log page 06h. */
export function selfTestPage({ selfTests, config, nowNanos }: ControllerState): Uint8Array {
  const page = new Uint8Array(SelfTestLog.BYTES);
  const view = new DataView(page.buffer);
  const { running, results } = selfTests;
  if (running !== null) {
    page[SelfTestLog.OPERATION] = running.code;
    const part = (nowNanos - running.startedNanos) / config.selfTestNanos;
    page[SelfTestLog.COMPLETION] = Math.min(Math.floor(100 * part), 99);
  }
  for (let i = 0; i < SelfTestLog.RESULTS; i++) {
    const at = SelfTestLog.FIRST + i * SelfTestLog.RESULT_BYTES;
    const result = results[i];
    page[at] = result === undefined ? SelfTestLog.UNUSED : result.outcome | (result.code << 4);
    if (result === undefined) continue;
    page[at + SelfTestLog.VALID] = SelfTestLog.NSID_VALID;
    view.setUint32(at + SelfTestLog.NSID, result.nsid, true);
  }
  return page;
}
