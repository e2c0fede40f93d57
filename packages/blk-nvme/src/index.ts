export { Bio } from './block/bio/bio.ts';
export {
  BLK_STS_AGAIN,
  BLK_STS_DEV_RESOURCE,
  BLK_STS_DURATION_LIMIT,
  BLK_STS_INVAL,
  BLK_STS_IOERR,
  BLK_STS_MEDIUM,
  BLK_STS_NOSPC,
  BLK_STS_NOTSUPP,
  BLK_STS_OFFLINE,
  BLK_STS_OK,
  BLK_STS_PROTECTION,
  BLK_STS_RESOURCE,
  BLK_STS_RESV_CONFLICT,
  BLK_STS_TARGET,
  BLK_STS_TIMEOUT,
  BLK_STS_TRANSPORT,
  BLK_STS_ZONE_ACTIVE_RESOURCE,
  BLK_STS_ZONE_OPEN_RESOURCE,
  blkStatusToErrno,
  blkStatusWord,
  errnoToBlkStatus,
} from './block/bio/block-status.ts';
export {
  opIsPassthrough,
  opIsWrite,
  opName,
  REQ_ATOMIC,
  REQ_BACKGROUND,
  REQ_FAILFAST_DEV,
  REQ_FAILFAST_DRIVER,
  REQ_FAILFAST_TRANSPORT,
  REQ_FUA,
  REQ_IDLE,
  REQ_INTEGRITY,
  REQ_META,
  REQ_NOMERGE,
  REQ_NOUNMAP,
  REQ_NOWAIT,
  REQ_OP_DISCARD,
  REQ_OP_DRV_IN,
  REQ_OP_DRV_OUT,
  REQ_OP_FLUSH,
  REQ_OP_READ,
  REQ_OP_SECURE_ERASE,
  REQ_OP_WRITE,
  REQ_OP_WRITE_ZEROES,
  REQ_OP_ZONE_APPEND,
  REQ_OP_ZONE_CLOSE,
  REQ_OP_ZONE_FINISH,
  REQ_OP_ZONE_OPEN,
  REQ_OP_ZONE_RESET,
  REQ_OP_ZONE_RESET_ALL,
  REQ_POLLED,
  REQ_PREFLUSH,
  REQ_PRIO,
  REQ_RAHEAD,
  REQ_SYNC,
  reqOp,
  rwbs,
} from './block/bio/op.ts';
export { BIO_MAX_VECS, PhysVecs } from './block/bio/phys-vecs.ts';
export type { QueueLimits } from './block/limits/queue-limits.ts';
export { emptyLimits, validateLimits } from './block/limits/queue-limits.ts';
export { RequestQueue } from './block/queue/request-queue.ts';
export { Sbitmap } from './block/tags/sbitmap.ts';
export type { P2pRegistration } from './driver/bring-up/controller-memory-buffer.ts';
export type { PciId } from './driver/bring-up/quirks.ts';
export type { NvmeParameters } from './driver/constants.ts';
export { DEFAULT_NVME_PARAMETERS } from './driver/constants.ts';
export type { DeviceBacking } from './driver/device-backing.ts';
export type { NvmeDriverOptions } from './driver/nvme-driver.ts';
export { NvmeDriver } from './driver/nvme-driver.ts';
export { NvmeNamespace } from './driver/nvme-namespace.ts';
export type { NvmeCtrlState } from './driver/recovery/nvme-state.ts';
export type { NvmeIod } from './driver/requests/nvme-iod.ts';
export type { UserCommandResult } from './driver/requests/user-command.ts';
export { submitUserCommand } from './driver/requests/user-command.ts';
export { get } from './spec/bits.ts';
export { AdminOpcode, NvmOpcode } from './spec/opcodes.ts';
export { SGL_DESCRIPTOR_BYTES, SglType, SglWord3 } from './spec/sgl.ts';
export { Cdw0, PSDT_PRP, SqeWord } from './spec/sqe.ts';
export { NVME_STATUS_DNR, Status } from './spec/status.ts';
