import { SAMPLE_RATE } from '../../audio/song.ts';
import { ONSET_RATE } from './onsets.ts';

/** Onset frames per voice frame. */
export const ONSETS_PER_VOICE = 3;
/** Voice frames per second, about 29. */
export const VOICE_RATE = ONSET_RATE / ONSETS_PER_VOICE;

/** Where the partials of a voice are strong and lie far enough apart. */
const LOWEST_HZ = 300;
const HIGHEST_HZ = 4000;
const PER_OCTAVE = 36;
const BINS = Math.floor(PER_OCTAVE * Math.log2(HIGHEST_HZ / LOWEST_HZ));
/** Bins that a partial must stand out from: a third of an octave either side. */
const AROUND = PER_OCTAVE / 3;
/** Frames between what is compared: 70 ms, a good third of a vibrato's cycle. */
const LAG = 2;
/** Widest movement that is looked for, in bins: more than a semitone. */
const WIDEST = 4;

/**
 * Hears, voice frame after voice frame, by the spectra of the stereo image's middle and sides (frames of `size` samples)
 * how much the partials in the middle move together, 0..1: singers glide and have a
 * vibrato, which shifts all partials by the same step on a logarithmic frequency axis; keys, plucked strings and drums
 * stay where they are. (Frequency modulation as a cue of singing: Regnier & Peeters 2009; the middle: Avendano 2003.)
 * Bowed strings, winds and bent guitars move as well: a cue, not a proof.
 *
 * It is the correlation of the peaks with those `LAG` frames before at the best shift, less that without a shift.
 */
export function voiceListener(size: number): (middle: Float32Array, sides: Float32Array) => number {
  const positions = Float64Array.from(
    { length: BINS },
    (_, b) => (LOWEST_HZ * 2 ** (b / PER_OCTAVE) * size) / SAMPLE_RATE,
  );
  const recent: Float32Array[] = [];
  return (middle, sides) => {
    recent.push(centrePeaks(middle, sides, positions));
    return recent.length > LAG ? movement(recent[LAG], recent.shift() as Float32Array) : 0;
  };
}

/** Square roots of what is louder in the middle than at the sides, over the mean around, at least 0. */
function centrePeaks(middle: Float32Array, sides: Float32Array, positions: Float64Array): Float32Array {
  const out = new Float32Array(BINS);
  const level = new Float64Array(BINS + 1);
  for (let b = 0; b < BINS; b++) {
    const k = Math.floor(positions[b]);
    const share = positions[b] - k;
    const low = Math.max(0, middle[k] - sides[k]);
    const high = Math.max(0, middle[k + 1] - sides[k + 1]);
    out[b] = Math.sqrt(low + share * (high - low));
    level[b + 1] = level[b] + out[b];
  }
  for (let b = 0; b < BINS; b++) {
    const from = Math.max(0, b - AROUND);
    const to = Math.min(BINS, b + AROUND + 1);
    out[b] = Math.max(0, out[b] - (level[to] - level[from]) / (to - from));
  }
  return out;
}

function movement(now: Float32Array, before: Float32Array): number {
  let still = 0;
  let moved = 0;
  let energy = 0;
  let energyBefore = 0;
  for (let b = 0; b < BINS; b++) {
    energy += now[b] ** 2;
    energyBefore += before[b] ** 2;
  }
  if (energy === 0 || energyBefore === 0) return 0;
  for (let shift = -WIDEST; shift <= WIDEST; shift++) {
    let product = 0;
    for (let b = WIDEST; b < BINS - WIDEST; b++) product += now[b] * before[b - shift];
    if (shift === 0) still = product;
    else moved = Math.max(moved, product);
  }
  return Math.max(0, moved - still) / Math.sqrt(energy * energyBefore);
}
