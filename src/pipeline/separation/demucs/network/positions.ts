// The reference computes phases in single precision, and large ones differ by far more than a rounding; so every step is rounded as there.
const { fround } = Math;

/** Sinusoidal embedding of `length` positions: `[length, width]`, cosines in the first half, sines in the second. */
export function positions(length: number, width: number, maxPeriod: number): Float32Array {
  const half = width / 2;
  const out = new Float32Array(length * width);
  for (let position = 0; position < length; position++) {
    for (let i = 0; i < half; i++) {
      const phase = fround(position / fround(maxPeriod ** fround(i / (half - 1))));
      out[position * width + i] = Math.cos(phase);
      out[position * width + half + i] = Math.sin(phase);
    }
  }
  return out;
}

/**
 * Sinusoidal embedding of a plane of `height` frequencies and `width` times: `[width * height, channels]`, time by time.
 * The first half of the channels tells the time, the second the frequency, sines and cosines by turns.
 */
export function planePositions(
  height: number,
  width: number,
  channels: number,
  maxPeriod: number,
): Float32Array {
  const half = channels / 2;
  const out = new Float32Array(width * height * channels);
  for (let i = 0; i < half; i += 2) {
    const rate = fround(Math.exp(fround(i * fround(-Math.log(maxPeriod) / half))));
    for (let t = 0; t < width; t++) {
      for (let f = 0; f < height; f++) {
        const at = (t * height + f) * channels + i;
        out[at] = Math.sin(fround(t * rate));
        out[at + 1] = Math.cos(fround(t * rate));
        out[at + half] = Math.sin(fround(f * rate));
        out[at + half + 1] = Math.cos(fround(f * rate));
      }
    }
  }
  return out;
}
