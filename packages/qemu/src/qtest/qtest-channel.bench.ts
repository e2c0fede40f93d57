import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchmarks, type Kernel } from '@dmalab/bench';
import { Q35 } from '../machine/platform.ts';
import { QemuMachine } from '../machine/qemu-machine.ts';
import { missing } from '../testing/qemu-iommus.ts';

const OPERATIONS = 100;
const VTD_CAP = 0xfed9_0008;

function registerReads(): Kernel {
  const machine = new QemuMachine({ devices: ['intel-iommu'] });
  const cap = machine.readMmio(VTD_CAP);
  return () => {
    let same = 0;
    for (let i = 0; i < OPERATIONS; i++) if (machine.readMmio(VTD_CAP) === cap) same++;
    if (same !== OPERATIONS) throw new Error('a register changed');
    return same;
  };
}

/** What the transport costs by itself: a line as long as a command, and the same line back. */
function fifoEchoes(): Kernel {
  const folder = mkdtempSync(join(tmpdir(), 'dmalab-echo-'));
  execFileSync('mkfifo', [join(folder, 'in'), join(folder, 'out')]);
  const echo: ChildProcess = spawn('sh', ['-c', 'exec cat <"$0/in" >"$0/out"', folder], { stdio: 'ignore' });
  echo.unref();
  process.once('exit', () => {
    echo.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const to = openSync(join(folder, 'in'), 'r+');
  const from = openSync(join(folder, 'out'), 'r');
  const line = Buffer.from('readl 0xfed90008\n');
  const answer = Buffer.alloc(64);
  return () => {
    let bytes = 0;
    for (let i = 0; i < OPERATIONS; i++) {
      writeSync(to, line);
      bytes += readSync(from, answer);
    }
    if (bytes !== OPERATIONS * line.length) throw new Error('an echo was cut');
    return bytes;
  };
}

/** Nothing to measure where there is no QEMU. */
export default benchmarks(
  missing(Q35, 'intel-iommu') !== ''
    ? []
    : [
        {
          name: 'qtest register read',
          operations: OPERATIONS,
          tested: registerReads,
          limitName: 'a line echoed over FIFOs',
          limit: fifoEchoes,
          atMost: 8,
        },
      ],
);
