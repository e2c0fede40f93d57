import { spawnSync } from 'node:child_process';

/** Printing the help may take so many times Node's own start, on top of it: 100 ms where an empty program takes 25. */
const HELP_STARTS = 4;
/** Importing everything, building a machine and reading its first block, likewise. */
const FIRST_IO_STARTS = 6;
/** A busy machine is slow now and then, never fast: the best try counts, and a good one among the first ends them. */
const LEAST_TRIES = 3;
const TRIES = 20;

/**
 * What an entry point may cost those who import it: minified bytes in a browser, everything from below included, a tenth
 * above today's; and Node's own start times so much, nearly all of it for compiling the code. 0.8 is 20 ms of 25, what a
 * quiet machine needs for most; where more is allowed, more code stands behind it.
 */
const BOUNDS: Readonly<Record<string, { readonly bytes: number; readonly starts: number }>> = {
  '@dmalab/trace': { bytes: 61_000, starts: 0.8 },
  '@dmalab/phys-memory': { bytes: 54_000, starts: 0.8 },
  '@dmalab/iommu/core': { bytes: 26_000, starts: 0.8 },
  '@dmalab/iommu': { bytes: 291_000, starts: 1.6 },
  '@dmalab/swiotlb': { bytes: 22_000, starts: 0.8 },
  '@dmalab/dma-api': { bytes: 107_000, starts: 1.2 },
  '@dmalab/pci-p2p': { bytes: 75_000, starts: 1.4 },
  '@dmalab/blk-nvme': { bytes: 128_000, starts: 1.8 },
  '@dmalab/blk-nvme/controller': { bytes: 88_000, starts: 1.6 },
  '@dmalab/integration': { bytes: 890_000, starts: 3.5 },
};

/**
 * Holds an entry point of the project in `cwd` against its bounds; returns the milliseconds that its import takes.
 * @throws {Error} when it has grown past a bound, or has none
 */
export function judgeEntry(cwd: string, entry: string, bytes: number): number {
  const bound = BOUNDS[entry];
  const size = `${entry} has ${bytes} bytes in a browser`;
  if (bound === undefined) throw new Error(`${size} and no bound for them: see tools/bounds.ts`);
  if (bytes > bound.bytes) throw new Error(`${size}, over its bound of ${bound.bytes}`);
  const script = `const start = performance.now(); await import('${entry}'); console.log(performance.now() - start)`;
  const importMillis = () => Number(node(cwd, '--input-type=module', '--eval', script).stdout);
  return boundedMillis(cwd, `import of ${entry}`, bound.starts, importMillis);
}

/** Milliseconds on top of Node's start that the command line needs to print its help. @throws {Error} past the bound */
export function judgeHelp(cwd: string, file: string): number {
  const helpMillis = () => node(cwd, file, '--help').millis - node(cwd, '--eval', '0').millis;
  return boundedMillis(cwd, `${file} --help`, HELP_STARTS, helpMillis);
}

/** From the import to the first block read of a 4 GiB machine with VT-d and NVMe, everything compiled on the way. */
const FIRST_IO = `
const start = performance.now();
const { Bio, REQ_OP_READ } = await import('@dmalab/blk-nvme');
const { bringUp, buildMachine, MACHINES } = await import('@dmalab/integration');
const machine = bringUp(buildMachine(MACHINES['x86-vtd']));
const bio = new Bio();
let status = -1;
bio.endIo = (ended) => { status = ended.status; };
bio.init(REQ_OP_READ, 0).addPhys(machine.pages.allocPages(0, 0) * 4096, 4096);
machine.disk.queue.submitBio(bio);
machine.advance(1_000_000);
if (status !== 0) throw new Error(\`the first read ended with status \${status}\`);
console.log(performance.now() - start);`;

/** Milliseconds on top of Node's start from the import to the first I/O of a whole machine. @throws {Error} past the bound */
export function judgeFirstIo(cwd: string): number {
  const millis = () => Number(node(cwd, '--input-type=module', '--eval', FIRST_IO).stdout);
  return boundedMillis(cwd, 'a machine from import to first I/O', FIRST_IO_STARTS, millis);
}

/** Best of the tries, judged by the best start of an empty program in the same tries. */
function boundedMillis(cwd: string, what: string, starts: number, measure: () => number): number {
  let best = Number.POSITIVE_INFINITY;
  let start = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < LEAST_TRIES || (tries < TRIES && best > starts * start); tries++) {
    start = Math.min(start, node(cwd, '--eval', '0').millis);
    best = Math.min(best, measure());
  }
  if (best <= starts * start) return best;
  const allowed = `${starts} x ${start.toFixed(1)} ms, Node's own start`;
  throw new Error(`${what} takes ${best.toFixed(1)} ms, over its bound of ${allowed}`);
}

function node(cwd: string, ...args: readonly string[]): { readonly millis: number; readonly stdout: string } {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return { millis: performance.now() - start, stdout };
}
