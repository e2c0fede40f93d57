import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Rules of the specification, by letter: D 1 to 105 and so on. */
const RULES: Readonly<Record<string, number>> = { D: 105, E: 24, G: 16, T: 34 };

/** Rules that no test here can name, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  D95: 'the reader and renderer of trace lines are @dmalab/trace: every line of every real trace renders byte for byte',
  G15: 'HMM in the page era is one dma_map_page a page: G1 to G3 and D101 between them leave nothing more to check',
  T23: 'which path the block layer tries is @dmalab/blk-nvme; what the API answers is D51 and D72',
  T25: 'the mode of a trace is inferred by the replay of IO virtual addresses in @dmalab/integration',
  T33: 'hashed pointers are compared, never used, by the replays in @dmalab/integration',
  T34: 'iommu events are correlated by the replays in @dmalab/integration',
};

/** Test titles of this package and of the replay that feeds its dma-debug. */
function titles(): string[] {
  const here = new URL('../', import.meta.url).pathname;
  const files = [
    ...globSync(`${here}**/*.test.ts`),
    ...globSync(`${here}../../integration/src/replay/dma-debug.test.ts`),
  ];
  return files.flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    const direct = [...text.matchAll(/\b(?:it|describe)\(\s*(['"`])(.*?)\1,/gs)].map((match) => match[2]);
    const tables = [...text.matchAll(/\]\s*(?:as const)?\)\(\s*(['"`])(.*?)\1,/gs)].map((match) => match[2]);
    const rows = [...text.matchAll(/^ {2,6}\[?\s*'((?:[DEGT]\d+ ?)+)/gm)].map((match) => match[1]);
    return [...direct, ...tables, ...rows];
  });
}

function named(): Set<string> {
  return new Set(titles().flatMap((title) => expand(title)));
}

/** `D43 to D48` counts for the words that are there, not for the range. */
function expand(title: string): string[] {
  return title.match(/\b[DEGT]\d+\b/g) ?? [];
}

describe('the specification', () => {
  it('has a test that names each rule, or a reason why it can not', () => {
    const tested = named();
    const all = Object.entries(RULES).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, i) => `${letter}${i + 1}`),
    );
    const missing = all.filter((rule) => !tested.has(rule) && !(rule in ELSEWHERE));
    const own = all.filter((rule) => tested.has(rule));
    console.log(`dma-api: ${own.length} of ${all.length} rules have a test, ${all.length - own.length} elsewhere`);
    expect(missing).toEqual([]);
  });
});
