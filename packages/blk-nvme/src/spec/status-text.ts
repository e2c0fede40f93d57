import { NVME_STATUS_CODE, Status } from './status.ts';

/**
 * Status values by name, for verbose error lines (spec N93).
 * spec gap: N93 shows only the line without verbose errors; these are the names of NVMe Base 2.0c and NVM 1.0c.
 */
const TEXT: ReadonlyMap<number, string> = new Map([
  [Status.SUCCESS, 'Success'],
  [Status.INVALID_OPCODE, 'Invalid Command Opcode'],
  [Status.INVALID_FIELD, 'Invalid Field in Command'],
  [Status.CMDID_CONFLICT, 'Command ID Conflict'],
  [Status.DATA_XFER_ERROR, 'Data Transfer Error'],
  [Status.POWER_LOSS, 'Commands Aborted due to Power Loss Notification'],
  [Status.INTERNAL, 'Internal Error'],
  [Status.ABORT_REQ, 'Command Abort Requested'],
  [Status.ABORT_QUEUE, 'Command Aborted due to SQ Deletion'],
  [Status.INVALID_NS, 'Invalid Namespace or Format'],
  [Status.CMD_SEQ_ERROR, 'Command Sequence Error'],
  [Status.SGL_INVALID_LAST, 'Invalid SGL Segment Descriptor'],
  [Status.SGL_INVALID_COUNT, 'Invalid Number of SGL Descriptors'],
  [Status.SGL_INVALID_DATA, 'Data SGL Length Invalid'],
  [Status.SGL_INVALID_METADATA, 'Metadata SGL Length Invalid'],
  [Status.SGL_INVALID_TYPE, 'SGL Descriptor Type Invalid'],
  [Status.CMB_INVALID_USE, 'Invalid Use of Controller Memory Buffer'],
  [Status.PRP_INVALID_OFFSET, 'PRP Offset Invalid'],
  [Status.NS_WRITE_PROTECTED, 'Namespace is Write Protected'],
  [Status.CMD_INTERRUPTED, 'Command Interrupted'],
  [Status.LBA_RANGE, 'LBA Out of Range'],
  [Status.CAP_EXCEEDED, 'Capacity Exceeded'],
  [Status.NS_NOT_READY, 'Namespace Not Ready'],
  [Status.RESERVATION_CONFLICT, 'Reservation Conflict'],
  [Status.FORMAT_IN_PROGRESS, 'Format In Progress'],
  [Status.INVALID_PI, 'Invalid Protection Information'],
  [Status.READ_ONLY, 'Attempted Write to Read Only Range'],
  [Status.WRITE_FAULT, 'Write Fault'],
  [Status.READ_ERROR, 'Unrecovered Read Error'],
  [Status.GUARD_CHECK, 'End-to-end Guard Check Error'],
  [Status.APPTAG_CHECK, 'End-to-end Application Tag Check Error'],
  [Status.REFTAG_CHECK, 'End-to-end Reference Tag Check Error'],
  [Status.COMPARE_FAILED, 'Compare Failure'],
  [Status.ACCESS_DENIED, 'Access Denied'],
  [Status.UNWRITTEN_BLOCK, 'Deallocated or Unwritten Logical Block'],
  [Status.HOST_PATH_ERROR, 'Host Pathing Error'],
  [Status.HOST_ABORTED_CMD, 'Command Aborted By Host'],
]);

/** What verbose errors call a status; a code without a name is `Unknown`. */
export function statusText(status: number): string {
  return TEXT.get(status & NVME_STATUS_CODE) ?? 'Unknown';
}
