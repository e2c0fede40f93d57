import { Direction } from './direction.ts';

/** An access by the side that did not own the bytes, or in a direction the buffer was not mapped for. */
export interface OwnershipViolation {
  readonly by: 'cpu' | 'device';
  readonly isWrite: boolean;
  readonly at: number;
  readonly lengthBytes: number;
  readonly problem: string;
}

interface Loan {
  readonly at: number;
  readonly end: number;
  readonly dir: number;
  owner: 'cpu' | 'device';
}

/**
 * Who may touch a streaming buffer (spec P76): mapping gives it to the device, a sync for the CPU lends it back, a sync
 * for the device returns it, unmapping ends the loan. Accesses by the wrong side are collected, not prevented.
 */
export class OwnershipChecker {
  readonly violations: OwnershipViolation[] = [];
  readonly #loans: Loan[] = [];

  map(at: number, lengthBytes: number, dir: number): void {
    this.#loans.push({ at, end: at + lengthBytes, dir, owner: 'device' });
  }

  syncForCpu(at: number, lengthBytes: number): void {
    for (const loan of this.#touching(at, lengthBytes)) loan.owner = 'cpu';
  }

  syncForDevice(at: number, lengthBytes: number): void {
    for (const loan of this.#touching(at, lengthBytes)) loan.owner = 'device';
  }

  /** @throws {RangeError} when no such buffer is mapped */
  unmap(at: number, lengthBytes: number): void {
    const index = this.#loans.findIndex((loan) => loan.at === at && loan.end === at + lengthBytes);
    if (index < 0) throw new RangeError(`no buffer of ${lengthBytes} bytes is mapped at 0x${at.toString(16)}`);
    this.#loans.splice(index, 1);
  }

  cpuAccess(at: number, lengthBytes: number, isWrite: boolean): void {
    for (const { owner } of this.#touching(at, lengthBytes)) {
      if (owner === 'device') this.#report('cpu', at, lengthBytes, isWrite, 'the device owns the buffer');
    }
  }

  deviceAccess(at: number, lengthBytes: number, isWrite: boolean): void {
    for (const { owner, dir } of this.#touching(at, lengthBytes)) {
      if (owner === 'cpu') this.#report('device', at, lengthBytes, isWrite, 'the CPU owns the buffer');
      if (isWrite && dir === Direction.TO_DEVICE) {
        this.#report('device', at, lengthBytes, isWrite, 'the buffer is mapped TO_DEVICE');
      }
      if (!isWrite && dir === Direction.FROM_DEVICE) {
        this.#report('device', at, lengthBytes, isWrite, 'the buffer is mapped FROM_DEVICE');
      }
    }
  }

  #touching(at: number, lengthBytes: number): Loan[] {
    return this.#loans.filter((loan) => loan.at < at + lengthBytes && loan.end > at);
  }

  #report(by: 'cpu' | 'device', at: number, lengthBytes: number, isWrite: boolean, problem: string): void {
    this.violations.push({ by, isWrite, at, lengthBytes, problem });
  }
}
