import { altHex, hex } from './format.ts';

/** An SMMUv3 event record, decoded (spec I178). */
export interface SmmuEvent {
  readonly id: number;
  /** The record's four 64-bit words. */
  readonly words: readonly bigint[];
  /** Null when no device has that stream id. */
  readonly deviceName: string | null;
  readonly streamId: number;
  readonly substreamId: number;
  readonly iova: bigint;
  readonly ipa: bigint;
  readonly fetchAddress: bigint;
  readonly privileged: boolean;
  readonly instruction: boolean;
  readonly isRead: boolean;
  readonly stage2: boolean;
  /** 0 to 3. */
  readonly eventClass: number;
  /** A descriptor access on the way: read, write or none. */
  readonly descriptor: 'read' | 'write' | null;
  readonly stall: boolean;
  readonly stallTag: number;
}

/** Event names (spec I179). */
const NAMES: ReadonlyMap<number, string> = new Map([
  [0x02, 'C_BAD_STREAMID'],
  [0x03, 'F_STE_FETCH'],
  [0x04, 'C_BAD_STE'],
  [0x06, 'F_STREAM_DISABLED'],
  [0x08, 'C_BAD_SUBSTREAMID'],
  [0x09, 'F_CD_FETCH'],
  [0x0a, 'C_BAD_CD'],
  [0x10, 'F_TRANSLATION'],
  [0x11, 'F_ADDR_SIZE'],
  [0x12, 'F_ACCESS'],
  [0x13, 'F_PERMISSION'],
  [0x25, 'F_VMS_FETCH'],
]);
const CLASSES = ['CD fetch', 'Stage 1 translation table fetch', 'Input address caused fault', 'Reserved'];
const FETCH_FAULTS = [0x03, 0x09, 0x25];

/** The name of an SMMUv3 event. */
export function smmuEventName(id: number): string {
  return NAMES.get(id) ?? 'UNKNOWN';
}

/** The kernel's lines for an event that no page-fault handler took (spec I178). */
export function smmuEventLines(smmuName: string, event: SmmuEvent): string[] {
  const prefix = `arm-smmu-v3 ${smmuName}: `;
  const received = `event ${hex(event.id, 2)} received:`;
  const words = event.words.map((word) => `\t${hex(word, 16)}`);
  return [received, ...words, ...decodedLines(event)].map((line) => prefix + line);
}

function decodedLines(event: SmmuEvent): string[] {
  const client = event.deviceName ?? '(unassigned sid)';
  const head = `event: ${smmuEventName(event.id)} client: ${client} sid: ${altHex(event.streamId)} ssid: ${altHex(event.substreamId)}`;
  if (event.id >= 0x10 && event.id <= 0x13) {
    return [`${head} iova: ${altHex(event.iova)} ipa: ${altHex(event.ipa)}`, accessLine(event)];
  }
  return [FETCH_FAULTS.includes(event.id) ? `${head} fetch_addr: ${altHex(event.fetchAddress)}` : head];
}

function accessLine(event: SmmuEvent): string {
  const who = event.privileged ? 'priv' : 'unpriv';
  const what = `${event.instruction ? 'inst' : 'data'} ${event.isRead ? 'read' : 'write'}`;
  const descriptor = event.descriptor === null ? '' : ` ttd_${event.descriptor}`;
  const stall = event.stall ? ' stall' : '';
  const cause = `"${CLASSES[event.eventClass]}"${descriptor}${stall}`;
  return `${who} ${what} ${event.stage2 ? 's2' : 's1'} ${cause} stag: ${altHex(event.stallTag)}`;
}
