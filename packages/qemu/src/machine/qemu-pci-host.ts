import { enumerate, type HostWindow, type PciHost } from '@dmalab/pci-p2p';
import { MessagePage } from './message-page.ts';
import type { QemuMachine } from './qemu-machine.ts';

const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const ENABLE = 0x8000_0000;
/** Q35's host bridge: where MMCONFIG is (spec B46). */
const PCIEXBAR = 0x60;
const PCIEXBAR_ENABLE = 1;
const PCI_COMMAND = 4;
const MEMORY_AND_MASTER = 6;
const FIRST_BAR = 0x10;
const TYPE = 6;
const TYPE_64 = 4;

/**
 * A machine's PCI as software sees it: config space, MMIO, and message interrupts. Buses are numbered and BARs placed by
 * our own enumeration, since there is no firmware that would have done it.
 */
export class QemuPciHost implements PciHost {
  readonly hostBridges: readonly { readonly domain: 0; readonly windows: readonly HostWindow[] }[];
  readonly interrupts: MessagePage;
  readonly #machine: QemuMachine;
  readonly #ecamBase: number;

  constructor(machine: QemuMachine) {
    const { platform, ram, pages } = machine;
    this.#machine = machine;
    this.#ecamBase = platform.ecamBase;
    this.hostBridges = [{ domain: 0, windows: platform.windows }];
    this.interrupts = new MessagePage(ram, pages.allocPages(0, 0));
    if (platform.hasConfigPorts) this.#switchMmconfigOn();
    enumerate(this, { domain: 0, rootBusNumber: 0, windows: platform.windows });
  }

  /** All ones where nothing answers. */
  readConfig(_domain: number, rid: number, offset: number, width: 1 | 2 | 4): number {
    return Number(this.#machine.qtest(`read${LETTER[width]} ${this.#at(rid, offset)}`)[0]);
  }

  writeConfig(_domain: number, rid: number, offset: number, width: 1 | 2 | 4, value: number): void {
    this.#machine.qtest(`write${LETTER[width]} ${this.#at(rid, offset)} 0x${(value >>> 0).toString(16)}`);
  }

  /** Address of a memory BAR, with decoding and bus mastering on; 0 where the function has no such BAR. */
  enabledBar(rid: number, bar: number): number {
    this.writeConfig(0, rid, PCI_COMMAND, 2, MEMORY_AND_MASTER);
    const low = this.readConfig(0, rid, FIRST_BAR + 4 * bar, 4);
    const high = (low & TYPE) === TYPE_64 ? this.readConfig(0, rid, FIRST_BAR + 4 * bar + 4, 4) : 0;
    return high * 2 ** 32 + ((low & ~0xf) >>> 0);
  }

  readMmio(at: number): number {
    return this.#machine.readMmio(at);
  }

  writeMmio(at: number, value: number): void {
    this.#machine.writeMmio(at, value);
  }

  /** The ports come first: there is no MMCONFIG before they were used to place it. */
  #switchMmconfigOn(): void {
    const write = (register: number, value: number) => [
      `outl 0x${CONFIG_ADDRESS.toString(16)} 0x${(ENABLE + register).toString(16)}`,
      `outl 0x${CONFIG_DATA.toString(16)} 0x${value.toString(16)}`,
    ];
    this.#machine.qtest(...write(PCIEXBAR + 4, 0), ...write(PCIEXBAR, this.#ecamBase + PCIEXBAR_ENABLE));
  }

  #at(rid: number, offset: number): string {
    return `0x${(this.#ecamBase + rid * 4096 + offset).toString(16)}`;
  }
}

const LETTER = { 1: 'b', 2: 'w', 4: 'l' } as const;
