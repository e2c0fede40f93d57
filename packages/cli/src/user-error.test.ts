import { FioJobError } from '@dmalab/integration';
import { describe, expect, it } from 'vitest';
import { isForUser, UserError } from './user-error.ts';

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('an error', () => {
  it('is for the user when a package or the command line itself threw it with a code', () => {
    expect(isForUser(new UserError('file', 'is odd', 'mend it'))).toBe(true);
    expect(isForUser(new FioJobError('job.fio', 3, 'is odd', 'mend it'))).toBe(true);
  });

  it('is a fault of ours otherwise, also when Node gave it a code', () => {
    expect(isForUser(new Error('oops'))).toBe(false);
    const ofNode = thrownBy(() => Buffer.alloc('x' as unknown as number));
    expect((ofNode as { code: string }).code).toBe('ERR_INVALID_ARG_TYPE');
    expect(isForUser(ofNode)).toBe(false);
  });
});
