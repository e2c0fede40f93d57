import type { HostWindow } from '@dmalab/pci-p2p';

/** What a QEMU machine type has where, as far as firmware would have to know. */
export interface QemuPlatform {
  readonly name: string;
  /** Program that runs it, unless another is named. */
  readonly program: string;
  /** `-machine`, and whatever else makes it that machine. */
  readonly args: readonly string[];
  readonly ramStart: number;
  /** RAM from here on is nobody else's: behind what QEMU itself puts there. */
  readonly freeRam: number;
  /** Whether config space is reached by ports until they have placed it in memory (spec B46). */
  readonly hasConfigPorts: boolean;
  /** Where config space of bus 0 is in memory (spec B46, B47). */
  readonly ecamBase: number;
  /** Windows of the host bridge. */
  readonly windows: readonly HostWindow[];
  /** What the processor runs instead of firmware: code that sleeps for ever, and how it is loaded (spec B45). */
  readonly firmware: { readonly word: readonly number[]; readonly lengthBytes: number };
}

/** x86 with PCIe: config space by ports until MMCONFIG is switched on. */
export const Q35: QemuPlatform = {
  name: 'q35',
  program: 'qemu-system-x86_64',
  args: ['-machine', 'q35'],
  ramStart: 0,
  freeRam: 0x10_0000,
  hasConfigPorts: true,
  ecamBase: 0xb000_0000,
  windows: [
    { kind: 'memory', cpuStart: 0xe000_0000, lengthBytes: 0x1000_0000 },
    { kind: 'prefetchable', cpuStart: 0xd000_0000, lengthBytes: 0x1000_0000 },
  ],
  firmware: { word: [0xf4], lengthBytes: 65536 }, // hlt, with interrupts off as after reset
};

/** Arm, everything below 4 GiB. */
export const ARM_VIRT: QemuPlatform = {
  name: 'virt (Arm)',
  program: 'qemu-system-aarch64',
  args: ['-machine', 'virt,highmem=off', '-cpu', 'cortex-a57'],
  ramStart: 0x4000_0000,
  freeRam: 0x4040_0000, // a device tree is in front
  hasConfigPorts: false,
  ecamBase: 0x3f00_0000,
  windows: [{ kind: 'memory', cpuStart: 0x1000_0000, lengthBytes: 0x2eff_0000 }],
  firmware: { word: [0x7f, 0x20, 0x03, 0xd5, 0xff, 0xff, 0xff, 0x17], lengthBytes: 4096 }, // wfi; b back to it
};

/** RISC-V. */
export const RISCV_VIRT: QemuPlatform = {
  name: 'virt (RISC-V)',
  program: 'qemu-system-riscv64',
  args: ['-machine', 'virt'],
  ramStart: 0x8000_0000,
  freeRam: 0x8040_0000, // firmware is RAM here
  hasConfigPorts: false,
  ecamBase: 0x3000_0000,
  windows: [{ kind: 'memory', cpuStart: 0x4000_0000, lengthBytes: 0x4000_0000 }],
  firmware: { word: [0x73, 0x00, 0x50, 0x10, 0x6f, 0xf0, 0xdf, 0xff], lengthBytes: 4096 }, // wfi; j back to it
};
