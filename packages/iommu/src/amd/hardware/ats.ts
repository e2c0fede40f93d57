import { ATS_NOT_TRANSLATABLE, ATS_UNSUPPORTED, type AtsCompletion, type AtsRequest } from '../../core/unit/ats.ts';
import { NO_PASID } from '../../hardware/address-spaces.ts';
import { ALLOWS_READ, ALLOWS_WRITE } from '../../hardware/translation-array.ts';
import { AddressType, TranslationRequest } from '../../hardware/translation-request.ts';
import type { Translator } from './translator.ts';

/** Answers translation requests, a 4 KiB page at a time whatever the leaf's size (spec H11). */
export class Ats {
  readonly #translator: Translator;
  readonly #request = new TranslationRequest();

  constructor(translator: Translator) {
    this.#translator = translator;
  }

  requestTranslation({ sourceId, address, pasid = NO_PASID, noWrite = false }: AtsRequest): AtsCompletion {
    const translator = this.#translator;
    const request = this.#request;
    if (!translator.enabled) return ATS_UNSUPPORTED;
    request.setPlain(sourceId, address - (address % 4096), ALLOWS_READ);
    request.pasid = pasid;
    request.addressType = AddressType.TRANSLATION_REQUEST;
    const device = translator.deviceFor(request);
    if (device === undefined || !device.valid || !device.translationValid) return ATS_UNSUPPORTED;
    const readable = translator.resolve(device, request);
    request.right = ALLOWS_WRITE;
    const writable = noWrite ? -1 : translator.resolve(device, request);
    if (readable < 0 && writable < 0) return ATS_NOT_TRANSLATABLE;
    const page = Math.max(readable, writable);
    return { status: 'success', readable: readable >= 0, writable: writable >= 0, address: page, pageBytes: 4096 };
  }
}
