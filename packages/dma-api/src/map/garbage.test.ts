import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('../testing/count-scavenges.ts', import.meta.url));

function scavenges(backend: string, millions: number): number {
  return Number(execFileSync(process.execPath, [program, backend, String(millions)], { encoding: 'utf8' }));
}

it('leaves no garbage behind in 10 million direct map + unmap', () => {
  expect(scavenges('direct', 10)).toBe(0);
});

/** Addresses from 2 GiB on are boxed at calls that V8 does not inline, 16 bytes each: 64 bytes a pair fill 2 MiB 64 times. */
it.each(['lazy', 'strict'])(
  'leaves a few boxed addresses behind in 2 million map + unmap, %s, and nothing else',
  (backend) => {
    expect(scavenges(backend, 2)).toBeLessThanOrEqual(64);
  },
);
