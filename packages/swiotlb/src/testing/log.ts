import type { SwiotlbLog } from '../allocator/messages.ts';

/** Keeps what was logged; time stands still until it is set. */
export class TestLog implements SwiotlbLog {
  readonly lines: string[] = [];
  nanos = 0;

  line(text: string): void {
    this.lines.push(text);
  }

  now(): number {
    return this.nanos;
  }
}
