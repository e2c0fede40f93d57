import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Picture, readPng } from './png.ts';

/** Headless Chromium of this machine, or null: tests that need it say that they were skipped. */
export const CHROMIUM: string | null =
  [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
    (path) => path !== undefined && existsSync(path),
  ) ?? null;

export interface Screenshot extends Picture {
  /** What the page wrote to the console, errors among it. */
  readonly console: readonly string[];
}

/** Opens a page from the disk in a window of that size and takes its picture. */
export function screenshot(page: string, width: number, height: number): Screenshot {
  const picture = join(dirname(page), `${width}.png`);
  const { stderr, status } = spawnSync(
    CHROMIUM!,
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--enable-logging=stderr'],
      `--user-data-dir=${join(dirname(page), 'profile')}`,
      `--window-size=${width},${height}`,
      `--screenshot=${picture}`,
      pathToFileURL(page).href,
    ],
    { encoding: 'utf8', timeout: 60_000 },
  );
  if (status !== 0) throw new Error(`chromium ended with ${status}: ${stderr}`);
  return { ...readPng(readFileSync(picture)), console: stderr.split('\n').filter((line) => /CONSOLE/.test(line)) };
}
