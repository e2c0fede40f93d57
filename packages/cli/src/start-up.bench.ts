import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { benchmarks } from '@dmalab/bench';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

function run(...args: string[]): number {
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} exited with ${status}`);
  return stdout.length;
}

export default benchmarks([
  {
    name: 'dmalab --help',
    operations: 1,
    limitName: 'node -e 0',
    tested: () => () => {
      const printed = run(main, '--help');
      if (printed < 200) throw new Error('the help text is missing');
      return printed;
    },
    limit: () => () => run('-e', '0'),
    atMost: 4,
  },
]);
