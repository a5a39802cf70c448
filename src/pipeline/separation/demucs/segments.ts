/** How a song is cut into overlapping segments, and how they are weighted into one again. */
export class Segmentation {
  /** Frames of a segment. */
  readonly length: number;
  /** Frames between the starts of two segments. */
  readonly stride: number;
  /** How many segments before a stride's own reach into it. */
  readonly lead: number;
  /** A triangle over the segment, 1 at its middle. */
  readonly weight: Float32Array;

  /** @param overlap share of a segment that it has in common with the next, 0..0.9. */
  constructor(length: number, overlap: number) {
    this.length = length;
    this.stride = Math.trunc((1 - overlap) * length);
    this.lead = Math.ceil(length / this.stride) - 1;
    const rise = Math.trunc(length / 2);
    const peak = length - rise;
    this.weight = Float32Array.from({ length }, (_, i) => (i < rise ? i + 1 : length - i) / peak);
  }
}

/**
 * Sums weighted segments, and gives a stride's mean as soon as no later segment reaches into it. The order of the sums
 * depends on nothing but the segments' own order, so a stride is the same to the last bit wherever the work began.
 */
export class WeightedOverlap {
  readonly #segmentation: Segmentation;
  readonly #sums: readonly Float32Array[];
  readonly #weights: Float32Array;

  constructor(segmentation: Segmentation, channels: number) {
    this.#segmentation = segmentation;
    this.#sums = Array.from({ length: channels }, () => new Float32Array(segmentation.length));
    this.#weights = new Float32Array(segmentation.length);
  }

  /**
   * Adds the next segment, whose `channels` may be shorter than a segment at the song's end, and gives the frames of its
   * stride, at most `segmentation.stride` of each channel.
   */
  add(channels: readonly Float32Array[]): Float32Array[] {
    const { weight, stride } = this.#segmentation;
    const length = channels[0].length;
    for (let i = 0; i < length; i++) this.#weights[i] += weight[i];
    const finished = Math.min(stride, length);
    const out = channels.map((channel, c) => {
      const sums = this.#sums[c];
      for (let i = 0; i < length; i++) sums[i] += weight[i] * channel[i];
      const mean = new Float32Array(finished);
      for (let i = 0; i < finished; i++) mean[i] = sums[i] / this.#weights[i];
      return mean;
    });
    for (const buffer of [...this.#sums, this.#weights]) {
      buffer.copyWithin(0, stride);
      buffer.fill(0, buffer.length - stride);
    }
    return out;
  }
}
