import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { devfn } from '@dmalab/pci-p2p';
import { afterEach, describe, expect, it } from 'vitest';
import { QemuBinary } from '../process/qemu-binary.ts';
import { QemuError } from '../process/qemu-error.ts';
import { sleep } from '../process/supervised-process.ts';
import { describeOnQemu } from '../testing/describe-on-qemu.ts';
import { missing } from '../testing/qemu-iommus.ts';
import { Q35 } from './platform.ts';
import { QemuMachine, type QemuMachineOptions } from './qemu-machine.ts';

const NVME = 'nvme,serial=dmalab,addr=4,cmb_size_mb=1';
const here = missing(Q35, 'nvme');

function errorOf(action: () => unknown): QemuError {
  try {
    action();
  } catch (error) {
    if (error instanceof QemuError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

describeOnQemu('a QEMU machine', here, () => {
  let machine: QemuMachine;
  afterEach(() => machine.close());

  const start = (options: QemuMachineOptions = {}) => {
    machine = new QemuMachine(options);
    return machine;
  };

  it('B46 reaches config space, and places BARs by our own enumeration', () => {
    start({ devices: [NVME] });
    expect(machine.pci.readConfig(0, devfn(4), 0, 4)).toBe(0x00101b36);
    expect(machine.pci.readConfig(0, devfn(4), 0, 2)).toBe(0x1b36);
    expect(machine.pci.readConfig(0, devfn(9), 0, 2)).toBe(0xffff);
    const bar = machine.pci.readConfig(0, devfn(4), 0x10, 4) & ~0xf;
    expect(bar >>> 0).toBeGreaterThanOrEqual(Q35.windows[0].cpuStart);
  });

  it('B44 shares its RAM: what one side stores the other loads, in every width', () => {
    start();
    const at = machine.pages.allocPages(0, 0);
    machine.ram.store64(at, 0x89abcdef, 0x01234567);
    expect(machine.qtest(`readq 0x${at.toString(16)}`)).toEqual(['0x0123456789abcdef']);
    machine.qtest(`writel 0x${(at + 8).toString(16)} 0xdeadbeef`);
    expect([machine.ram.load8(at + 8), machine.ram.load16(at + 8), machine.ram.load32(at + 8)]).toEqual([
      0xef, 0xbeef, 0xdeadbeef,
    ]);
    machine.writeBus(at + 16, Uint8Array.of(1, 2, 3));
    machine.ram.copy(at + 32, at + 16, 3);
    expect([...machine.readBus(at + 32, 4)]).toEqual([1, 2, 3, 0]);
    expect(() => machine.ram.load32(machine.ram.lengthBytes - 2)).toThrow('is not inside');
  });

  it('B43 keeps replies apart when many commands are under way', () => {
    start();
    const at = machine.pages.allocPages(0, 1);
    const addresses = Array.from({ length: 2000 }, (_, i) => `0x${(at + 4 * i).toString(16)}`);
    machine.qtest(...addresses.map((address, i) => `writel ${address} 0x${i.toString(16)}`));
    const values = machine.qtest(...addresses.map((address) => `readl ${address}`)).map(Number);
    expect(values).toEqual(addresses.map((_, i) => i));
    const line = machine.readBus(at, 8000); // a reply longer than what one read brings
    expect(Buffer.from(line).readUInt32LE(4 * 1999)).toBe(1999);
  });

  it('B49 shows interrupt lines, whose news come between replies', () => {
    start();
    machine.interceptInterrupts('ioapic');
    expect([machine.isLineRaised(0), machine.isLineRaised(2)]).toEqual([false, false]);
    machine.qtest('outb 0x43 0x30', 'outb 0x40 0x10', 'outb 0x40 0x0'); // PIT, counter 0: high after 16 ticks
    const isUp = () => machine.isLineRaised(0) || machine.isLineRaised(2);
    for (let looks = 0; looks < 10_000 && !isUp(); looks++) machine.advance(1000);
    expect(isUp()).toBe(true);
  });

  it('says what QEMU refused, and works on', () => {
    start();
    const error = errorOf(() => machine.qtest('nonsense 1 2 3'));
    expect(error.code).toBe('ERR_QEMU_COMMAND');
    expect(error.message).toContain('nonsense 1 2 3');
    expect(machine.pci.readConfig(0, 0, 0, 2)).toBe(0x8086);
  });

  it('says that QEMU died, and leaves nothing behind', () => {
    start();
    const { pid, folder } = machine;
    process.kill(pid, 'SIGKILL');
    expect(errorOf(() => machine.readMmio(0)).code).toBe('ERR_QEMU_DIED');
    machine.close();
    expect([isAlive(pid), existsSync(folder)]).toEqual([false, false]);
    expect(errorOf(() => machine.readMmio(0)).message).toContain('closed');
  });

  it('ends a QEMU that stops answering', () => {
    start({ answerMillis: 300 });
    const { pid, folder } = machine;
    process.kill(pid, 'SIGSTOP');
    expect(errorOf(() => machine.readMmio(0)).code).toBe('ERR_QEMU_TIMEOUT');
    machine.close();
    expect([isAlive(pid), existsSync(folder)]).toEqual([false, false]);
  });

  it('leaves neither process nor folder when it is closed', () => {
    const { pid, folder } = start();
    expect([isAlive(pid), existsSync(folder)]).toEqual([true, true]);
    machine.close();
    expect([isAlive(pid), existsSync(folder)]).toEqual([false, false]);
  });
});

describeOnQemu('a QEMU machine that is abandoned', here, () => {
  const URL = JSON.stringify(new globalThis.URL('./qemu-machine.ts', import.meta.url).href);
  const START = `const { QemuMachine } = await import(${URL}); const m = new QemuMachine(); console.log(m.pid, m.folder);`;

  it.each([
    ['exits', 'process.exit(3)'],
    ['throws', 'throw new Error()'],
    ['is killed', "process.kill(process.pid, 'SIGKILL')"],
    ['is interrupted', "process.kill(process.pid, 'SIGINT'); setInterval(() => {}, 1000)"],
    ['comes to its end', ''],
  ])('ends with its process, when that %s', (_, ending) => {
    const script = ['--input-type=module', '--eval', `${START} ${ending}`];
    const { stdout } = spawnSync(process.execPath, script, { encoding: 'utf8', timeout: 20_000 });
    const [pid, folder] = stdout.trim().split(' ');
    expect(Number(pid)).toBeGreaterThan(0);
    for (let waited = 0; waited < 5000 && (isAlive(Number(pid)) || existsSync(folder)); waited += 5) sleep(5);
    expect([isAlive(Number(pid)), existsSync(folder)]).toEqual([false, false]);
  });
});

describe('a QEMU that cannot be had', () => {
  it('is missing: one error that names the program', () => {
    const error = errorOf(() => new QemuMachine({ program: 'qemu-system-none' }));
    expect([error.code, error.message]).toEqual([
      'ERR_QEMU_MISSING',
      'there is no qemu-system-none here: install QEMU, or name another program',
    ]);
  });

  it('is too old: one error with both versions', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dmalab-old-qemu-'));
    try {
      const program = join(folder, 'qemu-system-old');
      writeFileSync(program, '#!/bin/sh\necho QEMU emulator version 6.2.0\n');
      chmodSync(program, 0o755);
      const error = errorOf(() => new QemuMachine({ program }));
      expect(error.code).toBe('ERR_QEMU_TOO_OLD');
      expect(error.message).toContain('is version 6.2.0: it takes 7.2 or newer');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.skipIf(here !== '')('refuses an argument: one error with what it said', () => {
    const error = errorOf(() => new QemuMachine({ devices: ['no-such-device'] }));
    expect(error.code).toBe('ERR_QEMU_START');
    expect(error.said).toContain("'no-such-device' is not a valid device model name");
  });

  it.skipIf(here !== '')('B45 either steps time or says that it was built without the accelerator for it', () => {
    const start = () => new QemuMachine({ accelerator: 'qtest' });
    if (!QemuBinary.find(Q35.program).hasAccelerator('qtest')) {
      expect(errorOf(start).code).toBe('ERR_QEMU_TOO_OLD');
      return;
    }
    using machine = start();
    const [before] = machine.qtest('clock_step 1').map(Number);
    machine.advance(1e6);
    expect(machine.qtest('clock_step 1').map(Number)).toEqual([before + 1e6 + 1]);
  });
});
