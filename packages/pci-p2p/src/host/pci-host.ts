import type { HostWindow } from '../fabric/host-bridge.ts';
import type { ConfigAccess } from './config-access.ts';

/** Where message interrupts go and are looked for: one place each, by the index that `allocate` answered. */
export interface MessageInterrupts {
  /** A message that nobody else has. */
  allocate(): number;
  /** The first of so many messages that differ in the low bits of their data alone; absent: MSI has one vector. */
  allocateBlock?(count: number): number;
  address(message: number): number;
  data(message: number): number;
  /** True once for any number of messages since the last look. */
  take(message: number): boolean;
}

/** A machine's PCI as drivers reach it. `PciFabric` is one; a bridge to another emulator's machine is another. */
export interface PciHost extends ConfigAccess {
  readonly hostBridges: readonly { readonly domain: number; readonly windows: readonly HostWindow[] }[];
  readonly interrupts: MessageInterrupts;
  /** A 32-bit register at a physical address: all ones where nothing answers. */
  readMmio(phys: number): number;
  writeMmio(phys: number, value: number): void;
  /** That function pulls its interrupt wire; absent: nobody looks at wires. */
  wireAsserted?(domain: number, rid: number): boolean;
}
