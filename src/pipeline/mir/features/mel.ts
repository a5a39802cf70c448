import { SAMPLE_RATE } from '../../audio/song.ts';

/** Bands of the mel spectrogram, of equal width on the mel scale (O'Shaughnessy's formula), and where they lie. */
export const MEL_BANDS = 40;
const LOWEST_HZ = 30;
const HIGHEST_HZ = 16_000;
/** Below this share of its height a triangle does not fall, so that a band has a bin however narrow it is. */
const LEAST_WEIGHT = 0.01;

const toMel = (hz: number) => 2595 * Math.log10(1 + hz / 700);
const toHz = (mel: number) => 700 * (10 ** (mel / 2595) - 1);
/** Corners of the bands in Hz: each reaches from one corner to the next but one. */
const CORNERS = Array.from({ length: MEL_BANDS + 2 }, (_, n) =>
  toHz(toMel(LOWEST_HZ) + (n * (toMel(HIGHEST_HZ) - toMel(LOWEST_HZ))) / (MEL_BANDS + 1)),
);

/** The bands' centres in Hz. */
export const MEL_CENTRES: readonly number[] = CORNERS.slice(1, -1);

/** Adds up magnitudes of a spectrum of frames of `size` samples in triangular bands, `MEL_BANDS` values. */
export function melFilter(size: number): (magnitudes: Float32Array, out: Float32Array) => void {
  const binHz = SAMPLE_RATE / size;
  const bank = MEL_CENTRES.map((centre, b) => {
    const [low, high] = [CORNERS[b], CORNERS[b + 2]];
    const first = Math.max(1, Math.min(Math.ceil(low / binHz), Math.round(centre / binHz)));
    const last = Math.max(first, Math.floor(high / binHz));
    const weights = Float64Array.from({ length: last - first + 1 }, (_, k) => {
      const hz = (first + k) * binHz;
      return Math.max(
        LEAST_WEIGHT,
        hz < centre ? (hz - low) / (centre - low) : (high - hz) / (high - centre),
      );
    });
    return { first, weights };
  });
  return (magnitudes, out) => {
    for (let b = 0; b < MEL_BANDS; b++) {
      const { first, weights } = bank[b];
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * magnitudes[first + k];
      out[b] = sum;
    }
  };
}
