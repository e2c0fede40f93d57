import { NO_PASID } from './address-spaces.ts';
import { ALLOWS_READ, ALLOWS_WRITE } from './translation-array.ts';
import { AddressType, TranslationRequest } from './translation-request.ts';
import type { Translator } from './translator.ts';

/** A device's own cache of translations (spec H11). */
export interface DeviceTlb {
  /**
   * Drops translations of a range; all of them with a length of 2^64.
   * @param pasid -1: those of requests without PASID, or of all with a global invalidation
   * @returns false when the device doesn't answer in time
   */
  invalidate(pasid: number, address: number, lengthBytes: number): boolean;
}

/** A translation request (AT = 1): asks for a page, not for a byte (spec H11). */
export interface AtsRequest {
  readonly sourceId: number;
  readonly address: number;
  readonly pasid?: number;
  /** NW: the device won't write, so the page need not be writable. */
  readonly noWrite?: boolean;
}

/** What a translation completion says (spec H11). */
export interface AtsCompletion {
  /** `unsupported`: the device may not use ATS, or the configuration is broken. */
  readonly status: 'success' | 'unsupported';
  /** Neither right: not translatable, which is no error. */
  readonly readable: boolean;
  readonly writable: boolean;
  /** Physical address of the page. */
  readonly address: number;
  readonly pageBytes: number;
}

const UNSUPPORTED: AtsCompletion = {
  status: 'unsupported',
  readable: false,
  writable: false,
  address: 0,
  pageBytes: 0,
};
const NOT_TRANSLATABLE: AtsCompletion = { ...UNSUPPORTED, status: 'success' };

/** Answers translation requests, a 4 KiB page at a time whatever the leaf's size: allowed, and what S = 0 stands for. */
export class Ats {
  readonly #translator: Translator;
  readonly #request = new TranslationRequest();

  constructor(translator: Translator) {
    this.#translator = translator;
  }

  requestTranslation({ sourceId, address, pasid = NO_PASID, noWrite = false }: AtsRequest): AtsCompletion {
    const translator = this.#translator;
    const request = this.#request;
    if (!translator.enabled) return UNSUPPORTED;
    request.setPlain(sourceId, address - (address % 4096), ALLOWS_READ);
    request.pasid = pasid;
    request.addressType = AddressType.TRANSLATION_REQUEST;
    const context = translator.contextFor(request);
    if (context === undefined) return UNSUPPORTED;
    const readable = translator.resolve(context, request);
    request.right = ALLOWS_WRITE;
    const writable = noWrite ? -1 : translator.resolve(context, request);
    if (readable < 0 && writable < 0) return NOT_TRANSLATABLE;
    return {
      status: 'success',
      readable: readable >= 0,
      writable: writable >= 0,
      address: Math.max(readable, writable),
      pageBytes: 4096,
    };
  }
}
