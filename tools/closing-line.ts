import type { Reporter, TestModule } from 'vitest/node';

const REASON = /\(skipped: (.*)\)/s;

/**
 * Ends a run with one plain line, `tests: N passed, N failed, N skipped`, that people and scripts can both read, after
 * a line for each reason that a suite gives in its name for being skipped.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    const reasons = new Map<string, number>();
    let brokenFiles = 0;
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state]++;
        const reason = state === 'skipped' ? REASON.exec(test.fullName)?.[1] : undefined;
        if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }
      if (module.state() === 'failed' && module.errors().length > 0) brokenFiles++;
    }
    for (const [reason, tests] of reasons) console.log(`\n${tests} tests skipped: ${reason}`);
    const failed = count.failed + brokenFiles;
    const skipped = count.skipped + count.pending;
    console.log(`\ntests: ${count.passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  }
}
