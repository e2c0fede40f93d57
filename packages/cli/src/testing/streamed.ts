import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
/** Says at the end how much memory the process held at most. */
const METER = 'process.on("exit",()=>console.error(process.resourceUsage().maxRSS))';

export interface StreamedRun {
  readonly output: string;
  /** Most memory that the process had in RAM. */
  readonly peakMib: number;
}

/** Runs `dmalab replay -` in a process of its own, with the same text so many times on its standard input. */
export async function streamed(text: Uint8Array, times: number, ...flags: string[]): Promise<StreamedRun> {
  const meter = `data:text/javascript,${encodeURIComponent(METER)}`;
  const child = spawn(process.execPath, ['--import', meter, MAIN, 'replay', '-', ...flags]);
  const [output, complaints] = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    return chunks;
  });
  for (let i = 0; i < times; i++) if (!child.stdin.write(text)) await once(child.stdin, 'drain');
  child.stdin.end();
  await once(child, 'close');
  return { output: Buffer.concat(output).toString(), peakMib: Number(Buffer.concat(complaints)) / 1024 };
}
