import { globSync, readFileSync } from 'node:fs';
import { isCore, LAYERS, manifest, type PackageFolder, ROOT } from './workspace.ts';

/**
 * No import goes upward in the list of packages, none reaches into another package's files, each is declared in the
 * package's own manifest, and the core imports nothing from `node:`.
 */
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g;
const folderOf = new Map(LAYERS.map((folder) => [manifest(folder).name, folder]));

const findings = LAYERS.flatMap((folder) =>
  globSync(`${ROOT}/packages/${folder}/src/**/*.ts`).flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(IMPORT)]
      .map(([, specifier]) => judge(folder, file, specifier))
      .filter((finding) => finding !== null)
      .map((finding) => `${file.slice(ROOT.length)}: ${finding}`),
  ),
);
for (const finding of findings) console.log(finding);
process.exitCode = findings.length === 0 ? 0 : 1;

function judge(folder: PackageFolder, file: string, specifier: string): string | null {
  const isTest = /\.(test|bench)\.ts$/.test(file) || file.includes('/testing/');
  if (specifier.startsWith('node:')) {
    return isCore(folder) && !isTest ? `imports ${specifier}, but core packages run in a browser too` : null;
  }
  if (specifier.startsWith('.')) {
    return specifier.split('/').filter((step) => step === '..').length > depth(file)
      ? `reaches out of its package: ${specifier}`
      : null;
  }
  const target = folderOf.get(packageName(specifier));
  if (target === undefined) return null;
  if (LAYERS.indexOf(target) <= LAYERS.indexOf(folder)) return `imports ${specifier}, which is not below it`;
  const declared = manifest(folder).dependencies ?? {};
  return isTest || manifest(target).name in declared
    ? null
    : `imports ${specifier} without declaring it in package.json`;
}

/** Folders between a file and its package's `src`. */
function depth(file: string): number {
  const [, inside] = file.split('/src/');
  return inside.split('/').length - 1;
}

function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
