import { AdminOpcode, NvmOpcode } from './opcodes.ts';

/** Commands as verbose error lines name them (spec N93): the names of NVMe Base 2.0c and NVM 1.0c. */
const IO_NAMES: ReadonlyMap<number, string> = new Map([
  [NvmOpcode.FLUSH, 'Flush'],
  [NvmOpcode.WRITE, 'Write'],
  [NvmOpcode.READ, 'Read'],
  [NvmOpcode.WRITE_UNCOR, 'Write Uncorrectable'],
  [NvmOpcode.COMPARE, 'Compare'],
  [NvmOpcode.WRITE_ZEROES, 'Write Zeroes'],
  [NvmOpcode.DSM, 'Dataset Management'],
  [NvmOpcode.VERIFY, 'Verify'],
  [NvmOpcode.COPY, 'Copy'],
]);

const ADMIN_NAMES: ReadonlyMap<number, string> = new Map([
  [AdminOpcode.DELETE_SQ, 'Delete I/O Submission Queue'],
  [AdminOpcode.CREATE_SQ, 'Create I/O Submission Queue'],
  [AdminOpcode.GET_LOG_PAGE, 'Get Log Page'],
  [AdminOpcode.DELETE_CQ, 'Delete I/O Completion Queue'],
  [AdminOpcode.CREATE_CQ, 'Create I/O Completion Queue'],
  [AdminOpcode.IDENTIFY, 'Identify'],
  [AdminOpcode.ABORT_CMD, 'Abort'],
  [AdminOpcode.SET_FEATURES, 'Set Features'],
  [AdminOpcode.GET_FEATURES, 'Get Features'],
  [AdminOpcode.ASYNC_EVENT, 'Asynchronous Event Request'],
  [AdminOpcode.KEEP_ALIVE, 'Keep Alive'],
  [AdminOpcode.DBBUF, 'Doorbell Buffer Config'],
  [AdminOpcode.FORMAT_NVM, 'Format NVM'],
  [AdminOpcode.SECURITY_SEND, 'Security Send'],
  [AdminOpcode.SECURITY_RECV, 'Security Receive'],
]);

export function opcodeName(opcode: number, isAdmin: boolean): string {
  return (isAdmin ? ADMIN_NAMES : IO_NAMES).get(opcode) ?? 'Unknown';
}
