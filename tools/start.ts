import { spawnSync } from 'node:child_process';

/** The main job on real input: the study of the first-light job, then what a trace of a real kernel holds. */
const COMMANDS = [
  ['study', 'examples/first-light.fio'],
  ['replay', 'examples/linux-7.3-vtd-lazy.trace.gz'],
];

for (const args of COMMANDS) {
  console.log(`$ dmalab ${args.join(' ')}\n`);
  const { status } = spawnSync(process.execPath, ['packages/cli/src/main.ts', ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  console.log();
}
