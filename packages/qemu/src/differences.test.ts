import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { QEMU_DIFFERENCES } from './differences.ts';

it('docs/qemu-differences.md shows every difference, word for word', () => {
  const page = readFileSync(new URL('../../../docs/qemu-differences.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const expected = QEMU_DIFFERENCES.map(
    ({ id, device, seenIn, specified, qemu, ours }) =>
      `| \`${id}\` | ${device} | ${seenIn} | ${specified} | ${qemu} | ${ours} |`,
  );
  expect(rows).toEqual(expected);
});

it('no two differences have one id', () => {
  expect(new Set(QEMU_DIFFERENCES.map(({ id }) => id)).size).toBe(QEMU_DIFFERENCES.length);
});
