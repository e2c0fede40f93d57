import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { judgeEntry, judgeFirstIo, judgeHelp } from './bounds.ts';
import { isCore, LAYERS, type Manifest, manifest, type PackageFolder, ROOT } from './workspace.ts';

/**
 * Packs every package as it would be published, judges each tarball with publint and attw, installs all of them into a
 * scratch project and imports every entry point there: in Node, and for the core bundled for a browser.
 */
const scratch = mkdtempSync(join(tmpdir(), 'dmalab-packed-'));
try {
  const tarballs = new Map(LAYERS.map((folder) => [folder, pack(folder)]));
  for (const [folder, tarball] of tarballs) await judge(folder, tarball);
  install(tarballs);
  const entries = LAYERS.flatMap((folder) => entryPoints(folder).map((entry) => ({ folder, entry })));
  for (const { entry } of entries) importInNode(entry);
  for (const { entry } of entries.filter(({ folder }) => isCore(folder))) await judgeSize(entry);
  run(join(scratch, 'node_modules/.bin/dmalab'), '--version');
  const help = judgeHelp(scratch, 'node_modules/dmalab/dist/main.js');
  console.log(`dmalab --help: ${help.toFixed(1)} ms on top of Node's start`);
  console.log(`a machine from import to first I/O: ${judgeFirstIo(scratch).toFixed(1)} ms`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd: scratch, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The pnpm that runs this script, or the one that the README names. */
function pnpm(cwd: string, ...args: string[]): string {
  const own = process.env['npm_execpath'];
  const [command, ...before] = own && existsSync(own) ? [own] : ['npx', '--yes', 'pnpm@12'];
  return execFileSync(command, [...before, ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function tarballName({ name, version }: Manifest): string {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
}

function pack(folder: PackageFolder): string {
  pnpm(`${ROOT}/packages/${folder}`, 'pack', '--pack-destination', scratch);
  return join(scratch, tarballName(manifest(folder)));
}

async function judge(folder: PackageFolder, tarball: string): Promise<void> {
  run('tar', 'xzf', tarball);
  const pkgDir = join(scratch, 'package');
  const { messages, pkg } = await publint({ pkgDir, strict: true });
  rmSync(pkgDir, { recursive: true });
  if (messages.length > 0) {
    throw new Error(`publint, ${folder}:\n${messages.map((message) => formatMessage(message, pkg)).join('\n')}`);
  }
  // The packages are ES modules alone; what a CommonJS `require` resolves to is Node's business.
  run(join(ROOT, 'node_modules/.bin/attw'), tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color');
}

function install(tarballs: ReadonlyMap<PackageFolder, string>): void {
  const pins = Object.fromEntries([...tarballs].map(([folder, file]) => [manifest(folder).name, `file:${file}`]));
  writeFileSync(join(scratch, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies: pins }));
  const overrides = Object.entries(pins).map(([name, file]) => `  '${name}': '${file}'`);
  writeFileSync(join(scratch, 'pnpm-workspace.yaml'), ['overrides:', ...overrides, ''].join('\n'));
  pnpm(scratch, 'install', '--prefer-offline', '--ignore-scripts');
}

/** What can be imported once it is published; tests of other packages may import more in this repository. */
function entryPoints(folder: PackageFolder): string[] {
  const { name, publishConfig } = manifest(folder);
  return Object.keys(publishConfig.exports)
    .filter((key) => !key.endsWith('.json'))
    .map((key) => name + key.slice(1));
}

function importInNode(entry: string): void {
  const script = `const m = await import('${entry}'); if (Object.keys(m).length === 0) throw new Error('exports nothing')`;
  run(process.execPath, '--input-type=module', '--eval', script);
}

/** What an entry point costs those who import it: bytes in a browser, milliseconds in Node. */
async function judgeSize(entry: string): Promise<void> {
  const bytes = await bundledForBrowser(entry);
  const millis = judgeEntry(scratch, entry, bytes);
  console.log(`${entry}: ${bytes} bytes in a browser, imported in ${millis.toFixed(1)} ms`);
}

async function bundledForBrowser(entry: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export * from '${entry}'`, resolveDir: scratch },
    bundle: true,
    format: 'esm',
    logLevel: 'silent',
    minify: true,
    platform: 'browser',
    write: false,
  });
  return outputFiles[0].contents.length;
}
