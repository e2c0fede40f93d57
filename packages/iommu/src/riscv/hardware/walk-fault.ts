import { RISCV_ACCESS_FAULTS, RISCV_GUEST_PAGE_FAULTS, RISCV_PAGE_FAULTS } from '../../spec/riscv-faults.ts';

/** How a walk of paging tables fails; which cause that is, the request's access decides (spec H98). */
export const WalkFault = { ACCESS: -1, PAGE: -2, GUEST_PAGE: -3 } as const;

const CAUSES = [RISCV_ACCESS_FAULTS, RISCV_PAGE_FAULTS, RISCV_GUEST_PAGE_FAULTS] as const;

/** @param accessKind 0 execute, 1 read, 2 write */
export function causeOf(fault: number, accessKind: number): number {
  return CAUSES[-fault - 1][accessKind];
}
