import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
/**
 * Says at the end how many bytes the program held at most. Each look collects what nobody holds first: how far the collector
 * lags behind on a busy machine is not what the test asks.
 */
const METER = `
let peak = 0;
const look = () => {
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  peak = Math.max(peak, heapUsed + external);
};
setInterval(look, 50).unref();
process.on('exit', () => {
  look();
  console.error(peak);
});`;

export interface StreamedRun {
  readonly output: string;
  /** Most memory that the process held, garbage aside. */
  readonly peakMib: number;
}

/** Runs `dmalab replay -` in a process of its own, with the same text so many times on its standard input. */
export async function streamed(text: Uint8Array, times: number, ...flags: string[]): Promise<StreamedRun> {
  const meter = `data:text/javascript,${encodeURIComponent(METER)}`;
  const child = spawn(process.execPath, ['--expose-gc', '--import', meter, MAIN, 'replay', '-', ...flags]);
  const [output, complaints] = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    return chunks;
  });
  for (let i = 0; i < times; i++) if (!child.stdin.write(text)) await once(child.stdin, 'drain');
  child.stdin.end();
  await once(child, 'close');
  return { output: Buffer.concat(output).toString(), peakMib: Number(Buffer.concat(complaints)) / 2 ** 20 };
}
