import type { DeviceRequest } from '../../core/unit/device-request.ts';
import { RiscvTtyp } from '../../spec/riscv-faults.ts';

/** Rights of a request, and of a cached translation: the entry's R, W and X, shifted down. */
export const READS = 1;
export const WRITES = 2;
export const EXECUTES = 4;

/** No process id. */
export const NO_PROCESS = -1;

/** A request as the translation works on it: numbers only, reused, so that a miss allocates nothing. */
export class Request {
  deviceId = 0;
  address = 0;
  processId = NO_PROCESS;
  /** Of {@link READS}, {@link WRITES} and {@link EXECUTES}. */
  right = 0;
  privileged = false;
  /** The address was translated by ATS before. */
  translated = false;
  /** It asks for a translation: AT = 1. */
  asksForTranslation = false;

  /** An untranslated request without process id. */
  setPlain(deviceId: number, address: number, right: number): void {
    this.deviceId = deviceId;
    this.address = address;
    this.processId = NO_PROCESS;
    this.right = right;
    this.privileged = false;
    this.translated = false;
    this.asksForTranslation = false;
  }

  fill(request: DeviceRequest): this {
    this.setPlain(request.sourceId, request.address, rightOf(request));
    this.processId = request.pasid ?? NO_PROCESS;
    this.privileged = request.privileged ?? false;
    this.translated = request.translated ?? false;
    return this;
  }

  /** Which of three causes the request has: 0 for execute, 1 for read, 2 for write; both is a write (spec H98). */
  get accessKind(): number {
    if ((this.right & WRITES) !== 0) return 2;
    return (this.right & EXECUTES) !== 0 ? 0 : 1;
  }

  /** TTYP of its fault record (spec H99). */
  get transactionType(): number {
    if (this.asksForTranslation) return RiscvTtyp.ATS_REQUEST;
    return (this.translated ? RiscvTtyp.TRANSLATED_EXEC : RiscvTtyp.EXEC) + this.accessKind;
  }
}

function rightOf({ access, execute }: DeviceRequest): number {
  if (access === 'atomic') return READS | WRITES;
  if (access === 'write') return WRITES;
  return execute === true ? EXECUTES : READS;
}
