import { describe } from 'vitest';

/** A suite that needs a QEMU; where there is none its name says why it is skipped, and the end of the run counts it. */
export function describeOnQemu(name: string, whyNot: string, body: () => void): void {
  describe.skipIf(whyNot !== '')(whyNot === '' ? name : `${name} (skipped: ${whyNot})`, body);
}
