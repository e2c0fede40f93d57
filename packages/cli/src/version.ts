import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** The program's, from the nearest manifest: this code may be a source file or a part of the published bundle. */
export function version(): string {
  return JSON.parse(readFileSync(findPackageJSON(import.meta.url) ?? '', 'utf8')).version;
}
