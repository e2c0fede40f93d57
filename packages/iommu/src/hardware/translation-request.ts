import type { DeviceRequest } from '../core/unit/device-request.ts';
import { NO_PASID } from './address-spaces.ts';
import { ALLOWS_READ, ALLOWS_WRITE } from './translation-array.ts';

/** AT field of a request (spec H1). */
export const AddressType = { UNTRANSLATED: 0, TRANSLATION_REQUEST: 1, TRANSLATED: 2 } as const;

/** A request as the translation works on it: numbers only, reused, so that a miss allocates nothing. */
export class TranslationRequest {
  sourceId = 0;
  address = 0;
  pasid = NO_PASID;
  /** `ALLOWS_READ`, `ALLOWS_WRITE` or both. */
  right = 0;
  execute = false;
  privileged = false;
  addressType: number = AddressType.UNTRANSLATED;

  /** An untranslated request without PASID. */
  setPlain(sourceId: number, address: number, right: number): void {
    this.sourceId = sourceId;
    this.address = address;
    this.pasid = NO_PASID;
    this.right = right;
    this.execute = false;
    this.privileged = false;
    this.addressType = AddressType.UNTRANSLATED;
  }
}

const RIGHTS = { read: ALLOWS_READ, write: ALLOWS_WRITE, atomic: ALLOWS_READ | ALLOWS_WRITE } as const;

/** Puts a request into numbers. */
export function fillRequest(into: TranslationRequest, request: DeviceRequest): TranslationRequest {
  into.setPlain(request.sourceId, request.address, RIGHTS[request.access]);
  into.pasid = request.pasid ?? NO_PASID;
  into.execute = request.execute ?? false;
  into.privileged = request.privileged ?? false;
  into.addressType = request.translated === true ? AddressType.TRANSLATED : AddressType.UNTRANSLATED;
  return into;
}
