import { globSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { isCore, LAYERS, manifest, type PackageFolder, ROOT } from './workspace.ts';

/**
 * Makes the code that is published, beside the declarations that the compiler wrote: one file for each entry point and
 * chunks for what two entry points share. A package of a hundred small files reads well and loads slowly: Node opens,
 * parses and links each; as one file the DMA API is imported in a quarter of the time, and constants of another module
 * become constants of this one.
 */
for (const folder of LAYERS) await bundle(folder);

async function bundle(folder: PackageFolder): Promise<void> {
  const dist = join(ROOT, 'packages', folder, 'dist');
  for (const old of globSync('**/*.{js,js.map}', { cwd: dist })) rmSync(join(dist, old));
  await build({
    entryPoints: entryPoints(folder),
    outdir: dist,
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    packages: 'external',
    format: 'esm',
    platform: isCore(folder) ? 'neutral' : 'node',
    target: 'es2024',
    sourcemap: 'linked',
    sourcesContent: false, // the sources are published beside it
    logLevel: 'warning',
  });
}

/** The source of each file in `dist` that the published manifest names. */
function entryPoints(folder: PackageFolder): string[] {
  const { publishConfig } = manifest(folder);
  const files = new Set<string>(Object.values(publishConfig.bin ?? {}));
  for (const entry of Object.values(publishConfig.exports)) {
    if (typeof entry === 'object') files.add(entry.default);
  }
  const sources = [...files].map((file) => relative('dist', file).replace(/\.js$/, '.ts'));
  return sources.map((source) => join(ROOT, 'packages', folder, 'src', source));
}
