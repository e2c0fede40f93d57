import { spawnSync } from 'node:child_process';

/**
 * Everything that holds for a commit beside its tests, cheapest first. One line a step; a failing step prints what it
 * said, and the others still run, so that one round shows all there is to mend.
 */
const STEPS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format, lint, import cycles', 'biome', 'ci', '--colors=off', '--error-on-warnings', '.'],
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['layering', process.execPath, 'tools/layering.ts'],
  ['rules of the house', process.execPath, 'tools/house-rules.ts'],
  ['unused files, exports, dependencies', 'knip', '--no-progress'],
  ['declarations', 'turbo', 'run', 'build', '--output-logs=errors-only'],
  ['bundles', process.execPath, 'tools/bundle.ts'],
  ['packed packages', process.execPath, 'tools/packed.ts'],
];

let failed = 0;
for (const [name, command, ...args] of STEPS) {
  const start = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (status === 0) continue;
  failed++;
  console.log(error === undefined ? `${stdout}${stderr}` : `${command}: ${error.message}`);
}
process.exitCode = failed === 0 ? 0 : 1;
