import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { firstUntrueLine, shownCommands } from '@dmalab/readme';
import { describe, expect, it } from 'vitest';
import { runCaptured } from './testing/run-captured.ts';
import { temporaryFolder } from './testing/temporary-files.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const OUTPUT_FLAGS = new Set(['--report', '--perfetto']);

/** Files of the repository by their full path, since tests run elsewhere; what is written goes to a folder of its own. */
function placed(words: readonly string[]): string[] {
  return words.map((word, i) => {
    if (OUTPUT_FLAGS.has(words[i - 1])) return join(temporaryFolder(), word);
    return existsSync(join(ROOT, word)) ? join(ROOT, word) : word;
  });
}

describe('every command of the tour prints what the tour shows', () => {
  const commands = shownCommands(readFileSync(join(ROOT, 'docs/tour.md'), 'utf8'));

  it.each(commands.map(({ words, promised }) => ({ command: words.join(' '), words, promised })))(
    '$command',
    async ({ words: [program, ...args], promised }) => {
      expect(program).toBe('dmalab');
      const { exitCode, output } = await runCaptured(...placed(args));
      expect(exitCode).toBe(0);
      expect(firstUntrueLine(promised, output.replaceAll(ROOT, ''))).toBeNull();
    },
  );
});
