import { Feature } from '../../spec/features.ts';
import type { ControllerConfig } from '../options.ts';

const FEATURE_COUNT = 256;
const DATA_BYTES_MAX = 4096;

/** Current and default values of the features (spec N153): cdw11 of each, and the data of those that carry any. */
export class FeatureValues {
  readonly #current = new Float64Array(FEATURE_COUNT);
  readonly #defaults = new Float64Array(FEATURE_COUNT);
  readonly #data = new Map<number, Uint8Array>();
  /** Timestamp feature: milliseconds as the host set them, and the virtual time of that. */
  timestampMillis = 0;
  timestampSetNanos = 0;

  constructor(config: ControllerConfig) {
    const allocated = config.ioQueues - 1;
    this.#defaults[Feature.ARBITRATION] = ARBITRATION_DEFAULT;
    this.#defaults[Feature.TEMP_THRESH] = TEMPERATURE_THRESHOLD;
    this.#defaults[Feature.VOLATILE_WC] = config.writeCache ? 1 : 0;
    this.#defaults[Feature.NUM_QUEUES] = allocated | (allocated << 16);
    this.reset();
  }

  /** What a controller reset leaves: the defaults, as nothing here is saveable (spec N122). */
  reset(): void {
    this.#current.set(this.#defaults);
    this.#data.clear();
    this.timestampMillis = 0;
    this.timestampSetNanos = 0;
  }

  get(fid: number): number {
    return this.#current[fid];
  }

  getDefault(fid: number): number {
    return this.#defaults[fid];
  }

  set(fid: number, cdw11: number): void {
    this.#current[fid] = cdw11;
  }

  /** The feature's data, zeroes until set. The caller may change it in place. */
  data(fid: number): Uint8Array {
    let bytes = this.#data.get(fid);
    if (bytes === undefined) {
      bytes = new Uint8Array(DATA_BYTES_MAX);
      this.#data.set(fid, bytes);
    }
    return bytes;
  }
}

/** AB 7: no limit on the burst. */
const ARBITRATION_DEFAULT = 7;
/** Kelvin, as WCTEMP (spec N152). */
const TEMPERATURE_THRESHOLD = 343;
