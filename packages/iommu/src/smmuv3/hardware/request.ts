import type { DeviceRequest } from '../../core/unit/device-request.ts';
import { StreamOverride } from '../../spec/smmuv3-tables.ts';
import * as rights from './rights.ts';
import type { Stream } from './stream.ts';

/** The request carries no substream id. */
export const NO_SUBSTREAM = -1;

/** A request as the translation works on it: numbers and flags, reused, so that a miss allocates nothing. */
export class SmmuRequest {
  streamId = 0;
  address = 0;
  substreamId = NO_SUBSTREAM;
  reads = false;
  writes = false;
  privileged = false;
  instruction = false;
  translated = false;

  /** A request for data without substream, unprivileged. */
  setPlain(streamId: number, address: number, isWrite: boolean): void {
    this.streamId = streamId;
    this.address = address;
    this.substreamId = NO_SUBSTREAM;
    this.reads = !isWrite;
    this.writes = isWrite;
    this.privileged = false;
    this.instruction = false;
    this.translated = false;
  }

  set(request: DeviceRequest): void {
    this.setPlain(request.sourceId, request.address, request.access === 'write');
    this.writes = request.access !== 'read';
    this.reads = request.access !== 'write';
    this.substreamId = request.pasid ?? NO_SUBSTREAM;
    this.privileged = request.privileged ?? false;
    this.instruction = request.execute === true && request.access === 'read';
    this.translated = request.translated ?? false;
  }

  /** What the stream's entry says in place of the request (spec H61 PRIVCFG, INSTCFG); writes are always of data. */
  override({ privilege, instruction }: Stream): void {
    if (privilege === StreamOverride.PRIVILEGED) this.privileged = true;
    if (privilege === StreamOverride.UNPRIVILEGED) this.privileged = false;
    if (instruction === StreamOverride.DATA) this.instruction = false;
    if (instruction === StreamOverride.INSTRUCTION) this.instruction = !this.writes;
  }

  /** Rights that it takes; with QEMU's every request is privileged (spec H122). */
  need(allPrivileged: boolean): number {
    const privileged = this.privileged || allPrivileged;
    if (this.instruction) return privileged ? rights.PRIVILEGED_EXECUTE : rights.USER_EXECUTE;
    const read = privileged ? rights.PRIVILEGED_READ : rights.USER_READ;
    const write = privileged ? rights.PRIVILEGED_WRITE : rights.USER_WRITE;
    return (this.reads ? read : 0) | (this.writes ? write : 0);
  }
}
