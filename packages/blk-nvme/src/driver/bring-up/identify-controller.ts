import { IdentifyController } from '../../spec/identify.ts';

/** What the driver takes from Identify Controller (spec N60). */
export interface ControllerIdentity {
  readonly mdts: number;
  readonly version: number;
  readonly oaes: number;
  readonly ctratt: number;
  readonly crdtMillis: readonly number[];
  readonly oacs: number;
  readonly abortLimit: number;
  readonly lpa: number;
  readonly apsta: number;
  /** Longest firmware activation in units of 100 ms; 0: not told. */
  readonly mtfa: number;
  /** Unit of the keep-alive timer; 0: there is none. */
  readonly kas: number;
  readonly hmpre: number;
  readonly hmmin: number;
  readonly hmminds: number;
  readonly hmmaxd: number;
  readonly namespaceCount: number;
  readonly oncs: number;
  readonly vwc: number;
  readonly awupf: number;
  readonly sgls: number;
  readonly shutdownTimeoutSeconds: number;
  readonly isIoController: boolean;
}

const SHUTDOWN_SECONDS = 5;
const SHUTDOWN_SECONDS_MAX = 60;

export function parseController(page: Uint8Array): ControllerIdentity {
  const view = new DataView(page.buffer, page.byteOffset);
  const u16 = (at: number) => view.getUint16(at, true);
  const u32 = (at: number) => view.getUint32(at, true);
  const type = page[IdentifyController.CNTRLTYPE];
  const shutdown = Math.floor(u32(IdentifyController.RTD3E) / 1e6);
  return {
    mdts: page[IdentifyController.MDTS],
    version: u32(IdentifyController.VER),
    oaes: u32(IdentifyController.OAES),
    ctratt: u32(IdentifyController.CTRATT),
    crdtMillis: [IdentifyController.CRDT1, IdentifyController.CRDT2, IdentifyController.CRDT3].map(
      (at) => u16(at) * 100,
    ),
    oacs: u16(IdentifyController.OACS),
    abortLimit: page[IdentifyController.ACL] + 1,
    lpa: page[IdentifyController.LPA],
    apsta: page[IdentifyController.APSTA],
    mtfa: u16(IdentifyController.MTFA),
    kas: u16(IdentifyController.KAS),
    hmpre: u32(IdentifyController.HMPRE),
    hmmin: u32(IdentifyController.HMMIN),
    hmminds: u32(IdentifyController.HMMINDS),
    hmmaxd: u16(IdentifyController.HMMAXD),
    namespaceCount: u32(IdentifyController.NN),
    oncs: u16(IdentifyController.ONCS),
    vwc: page[IdentifyController.VWC],
    awupf: u16(IdentifyController.AWUPF),
    sgls: u32(IdentifyController.SGLS),
    shutdownTimeoutSeconds: Math.min(Math.max(shutdown, SHUTDOWN_SECONDS), SHUTDOWN_SECONDS_MAX),
    isIoController: type === 0 || type === 1,
  };
}
