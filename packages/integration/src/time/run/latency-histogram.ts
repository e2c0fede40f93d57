/** Values below this have a bucket of their own; from there on each power of two has as many (fio's layout). */
const PER_OCTAVE = 64;
const PER_OCTAVE_LOG2 = 6;
/** Up to 2^34 ns, 17 s; longer ones fall into the last bucket. */
const OCTAVES = 29;

/** What is known of many durations when they are over: exact moments, percentiles to within 1/64 (fio's resolution). */
export class LatencyHistogram {
  readonly #buckets = new Float64Array(PER_OCTAVE * OCTAVES);
  /** Count, sum, sum of squares, least, most. */
  readonly #moments = new Float64Array([0, 0, 0, Number.POSITIVE_INFINITY, 0]);

  add(nanos: number): void {
    const whole = Math.round(nanos);
    const moments = this.#moments;
    this.#buckets[bucketOf(whole)]++;
    moments[0]++;
    moments[1] += whole;
    moments[2] += whole * whole;
    if (whole < moments[3]) moments[3] = whole;
    if (whole > moments[4]) moments[4] = whole;
  }

  /** Takes over what another one saw. */
  merge(other: LatencyHistogram): void {
    for (let i = 0; i < this.#buckets.length; i++) this.#buckets[i] += other.#buckets[i];
    for (let i = 0; i < 3; i++) this.#moments[i] += other.#moments[i];
    this.#moments[3] = Math.min(this.#moments[3], other.#moments[3]);
    this.#moments[4] = Math.max(this.#moments[4], other.#moments[4]);
  }

  get count(): number {
    return this.#moments[0];
  }

  /** The sum of them all. */
  get total(): number {
    return this.#moments[1];
  }

  get min(): number {
    return this.count === 0 ? 0 : this.#moments[3];
  }

  get max(): number {
    return this.#moments[4];
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.#moments[1] / this.count;
  }

  /** Of the sample, as fio has it. */
  get stddev(): number {
    const { count, mean } = this;
    return count < 2 ? 0 : Math.sqrt(Math.max(0, (this.#moments[2] - count * mean * mean) / (count - 1)));
  }

  /** The middle of the bucket that holds that percentile, within what was seen. @param percent above 0, up to 100 */
  percentile(percent: number): number {
    const rank = Math.ceil((percent / 100) * this.count);
    let seen = 0;
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      seen += this.#buckets[bucket];
      if (seen >= rank && seen > 0) return Math.min(this.max, Math.max(this.min, middleOf(bucket)));
    }
    return 0;
  }

  /** Share of values in (from, to], 0 to 1, to the resolution of the buckets. */
  share(from: number, to: number): number {
    if (this.count === 0) return 0;
    let inside = 0;
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      const middle = middleOf(bucket);
      if (middle > from && middle <= to) inside += this.#buckets[bucket];
    }
    return inside / this.count;
  }
}

function bucketOf(value: number): number {
  if (value < PER_OCTAVE) return Math.max(0, value);
  const octave = Math.floor(Math.log2(value)) - PER_OCTAVE_LOG2;
  if (octave >= OCTAVES - 1) return PER_OCTAVE * OCTAVES - 1;
  return PER_OCTAVE * octave + Math.floor(value / 2 ** octave);
}

function middleOf(bucket: number): number {
  const octave = Math.max(0, Math.floor(bucket / PER_OCTAVE) - 1);
  const width = 2 ** octave;
  return (bucket - PER_OCTAVE * octave) * width + Math.floor(width / 2);
}
