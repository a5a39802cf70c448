import { blank, SAMPLE_RATE, type Song } from '../../audio/song.ts';

/** The song's samples per one of the low band's. */
const RATIO = 4;
/** Sample rate of the low band, in Hz. */
export const LOW_BAND_RATE = SAMPLE_RATE / RATIO;

/** Frames of the song that are read at once. */
const BLOCK = 65_536;

/**
 * Filters that halve the sample rate: taps at odd distances from the centre, which has 1/2; those at even distances are 0
 * (half-band filters). Up to 4.4 kHz both together change nothing by more than 0.01 dB, and what folds back to there is
 * 67 dB down.
 */
const FIRST = halfBandTaps(5);
const SECOND = halfBandTaps(13);

/**
 * The middle of a song's stereo image up to 4.4 kHz, where its notes lie, at a quarter of the sample rate: sample `i` is
 * the song's frame `4 * i`.
 */
export function lowBand(song: Song): Float32Array {
  const out = new Float32Array(Math.ceil(song.frames / RATIO));
  const margin = reach(FIRST) + 2 * reach(SECOND);
  const block = blank(BLOCK + 2 * margin);
  for (let at = 0; at < song.frames; at += BLOCK) {
    const [left, right] = song.read(at - margin, BLOCK + 2 * margin, block);
    for (let i = 0; i < left.length; i++) left[i] = 0.5 * (left[i] + right[i]);
    const low = halved(halved(left, FIRST), SECOND);
    out.set(low.subarray(0, out.length - at / RATIO), at / RATIO);
  }
  return out;
}

function halfBandTaps(count: number): Float64Array {
  const taps = Float64Array.from({ length: count }, (_, k) => {
    const distance = 2 * k + 1;
    const x = (Math.PI * distance) / (2 * count);
    const blackman = 0.42 + 0.5 * Math.cos(x) + 0.08 * Math.cos(2 * x);
    return (blackman * Math.sin((Math.PI * distance) / 2)) / (Math.PI * distance);
  });
  const sum = taps.reduce((a, b) => a + b, 0);
  return taps.map((tap) => (0.25 * tap) / sum);
}

/** Samples that a filter looks ahead and back. */
const reach = (taps: Float64Array) => 2 * taps.length - 1;

/** Every other sample, filtered, of those that have all that the filter reaches. */
function halved(samples: Float32Array, taps: Float64Array): Float32Array {
  const first = reach(taps);
  const out = new Float32Array(Math.ceil((samples.length - 2 * first) / 2));
  for (let i = 0; i < out.length; i++) {
    const centre = first + 2 * i;
    let sum = 0.5 * samples[centre];
    for (let k = 0, d = 1; k < taps.length; k++, d += 2)
      sum += taps[k] * (samples[centre - d] + samples[centre + d]);
    out[i] = sum;
  }
  return out;
}
