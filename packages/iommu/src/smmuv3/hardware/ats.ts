import { ATS_NOT_TRANSLATABLE, ATS_UNSUPPORTED, type AtsCompletion, type AtsRequest } from '../../core/unit/ats.ts';
import { SmmuEventId } from '../../spec/smmuv3-events.ts';
import { StreamAts, StreamConfig } from '../../spec/smmuv3-tables.ts';
import { NO_SUBSTREAM, SmmuRequest } from './request.ts';
import type { Stream } from './stream.ts';
import type { Translator } from './translator.ts';

/** Answers translation requests (spec H11, H12), a 4 KiB page at a time whatever the leaf's size. */
export class Ats {
  readonly #translator: Translator;
  readonly #request = new SmmuRequest();

  constructor(translator: Translator) {
    this.#translator = translator;
  }

  requestTranslation({ sourceId, address, pasid = NO_SUBSTREAM, noWrite = false }: AtsRequest): AtsCompletion {
    const translator = this.#translator;
    const page = address - (address % 4096);
    if (!translator.enabled) return ATS_UNSUPPORTED;
    this.#set(sourceId, page, pasid, false);
    const stream = translator.streamFor(this.#request);
    if (stream === undefined || stream.config < StreamConfig.BYPASS) return ATS_UNSUPPORTED;
    if (stream.ats === StreamAts.OFF || stream.config === StreamConfig.BYPASS) {
      translator.record(this.#request, SmmuEventId.F_BAD_ATS_TREQ);
      return ATS_UNSUPPORTED;
    }
    const readable = this.#resolve(stream, sourceId, page, pasid, false);
    if (isConfigurationFault(-readable)) {
      translator.record(this.#request, -readable);
      return ATS_UNSUPPORTED;
    }
    const writable = noWrite ? -1 : this.#resolve(stream, sourceId, page, pasid, true);
    if (readable < 0 && writable < 0) return ATS_NOT_TRANSLATABLE;
    const phys = Math.max(readable, writable);
    return { status: 'success', readable: readable >= 0, writable: writable >= 0, address: phys, pageBytes: 4096 };
  }

  #resolve(stream: Stream, sourceId: number, page: number, pasid: number, isWrite: boolean): number {
    this.#set(sourceId, page, pasid, isWrite);
    return this.#translator.resolve(stream, this.#request);
  }

  #set(sourceId: number, page: number, pasid: number, isWrite: boolean): void {
    this.#request.setPlain(sourceId, page, isWrite);
    this.#request.substreamId = pasid;
  }
}

/** What no mapping would cure: the request is unsupported, and recorded (spec H11). */
function isConfigurationFault(id: number): boolean {
  return id > 0 && id < SmmuEventId.F_TRANSLATION;
}
