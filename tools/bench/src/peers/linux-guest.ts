import { execFileSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readIops } from './fio-json.ts';
import { missingPrograms, type Peer, programPath } from './peer.ts';

const QEMU = 'qemu-system-x86_64';
const BOOT_LIMIT_MILLIS = 180_000;
const FIO_JOB =
  '--name=guest --filename=/dev/nvme0n1 --rw=randread --bs=4k --iodepth=32 --ioengine=libaio --direct=1 --runtime=5 --time_based --output-format=json';

interface GuestOptions {
  readonly name: string;
  /** Added to fio's command line. */
  readonly fio?: string;
  /** Added to the kernel's command line. */
  readonly kernel?: string;
  /** Added to QEMU's. */
  readonly qemu?: readonly string[];
}

/**
 * This machine's own Linux kernel as a guest of QEMU without KVM: fio reads QEMU's NVMe. The disk is QEMU's null driver, so
 * that what is measured is guest kernel, IOMMU and controller, as with us. The initial file system holds busybox and fio.
 */
function linuxGuest({ name, fio = '', kernel = '', qemu = [] }: GuestOptions): Peer {
  return {
    name: `Linux guest under QEMU, ${name}`,
    operation: '4 KiB random read, depth 32, fio libaio',
    missing: () =>
      missingPrograms(QEMU, 'fio', 'busybox', 'ldd') ??
      (kernelWithNvme() === undefined ? 'needs a readable kernel in /boot with NVMe built in' : undefined),
    measure: () => {
      const scratch = mkdtempSync(join(tmpdir(), 'dmalab-guest-'));
      try {
        const initrd = packFiles(scratch, `fio ${FIO_JOB} ${fio}`);
        return readIops(boot(initrd, kernel, qemu));
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    },
  };
}

const VTD = ['-machine', 'kernel-irqchip=split', '-device', 'intel-iommu'];

export const linuxGuests: readonly Peer[] = [
  linuxGuest({ name: 'no IOMMU' }),
  linuxGuest({ name: 'no IOMMU, batches of 16', fio: '--iodepth_batch_submit=16 --iodepth_batch_complete_min=16' }),
  linuxGuest({ name: 'VT-d lazy', qemu: VTD, kernel: 'intel_iommu=on iommu.strict=0' }),
  linuxGuest({ name: 'VT-d strict', qemu: VTD, kernel: 'intel_iommu=on iommu.strict=1' }),
];

/** The newest kernel whose configuration has the driver built in: a module would need its dependencies packed too. */
function kernelWithNvme(): string | undefined {
  const kernels = globSync('/boot/vmlinuz-*').sort().reverse();
  return kernels.find((path) => {
    try {
      return readFileSync(path.replace('vmlinuz', 'config'), 'utf8').includes('CONFIG_BLK_DEV_NVME=y');
    } catch {
      return false; // no configuration beside it, or not ours to read
    }
  });
}

function packFiles(scratch: string, command: string): string {
  const root = join(scratch, 'root');
  const put = (path: string, from: string) => {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(from, join(root, path));
  };
  const fio = programPath('fio') ?? '';
  put('bin/busybox', programPath('busybox') ?? '');
  put('bin/fio', fio);
  const libraries = execFileSync('ldd', [fio], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  for (const library of libraries) put(library, library);
  for (const folder of ['proc', 'sys', 'dev', 'tmp']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'init'), initScript(command), { mode: 0o755 });
  const initrd = join(scratch, 'initrd');
  execFileSync('sh', ['-c', `find . | busybox cpio -o -H newc > ${initrd}`], { cwd: root, stdio: 'ignore' });
  return initrd;
}

function initScript(command: string): string {
  return `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
${command}
poweroff -f
`;
}

function boot(initrd: string, kernel: string, qemu: readonly string[]): string {
  const machine = ['-M', 'q35', '-accel', 'tcg', '-m', '1024', '-nographic', '-no-reboot', ...qemu];
  const linux = ['-kernel', kernelWithNvme() ?? '', '-initrd', initrd, '-append', `console=ttyS0 quiet ${kernel}`];
  const disk = [
    '-drive',
    'driver=null-co,size=512M,if=none,id=disk,read-zeroes=on',
    '-device',
    'nvme,drive=disk,serial=peer',
  ];
  const output = execFileSync(QEMU, [...machine, ...linux, ...disk], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: BOOT_LIMIT_MILLIS,
  });
  return output.replaceAll('\r', '');
}
