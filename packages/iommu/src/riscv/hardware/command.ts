import { type Field, get, lowMask } from '../../spec/bits.ts';
import { RiscvIotinval } from '../../spec/riscv-commands.ts';

const OPCODE = lowMask(RiscvIotinval.qw0.OPCODE);
const FUNC_SHIFT = RiscvIotinval.qw0.FUNC.lo;

/** A command as it was fetched: two qwords in halves. Reused. */
export class Command {
  low0 = 0;
  high0 = 0;
  low1 = 0;
  high1 = 0;

  get opcode(): number {
    return this.low0 & OPCODE;
  }

  get func(): number {
    return (this.low0 >>> FUNC_SHIFT) & 7;
  }

  field0(field: Field): number {
    return get(this.low0, this.high0, field);
  }

  field1(field: Field): number {
    return get(this.low1, this.high1, field);
  }

  flag0(field: Field): boolean {
    return this.field0(field) === 1;
  }
}
