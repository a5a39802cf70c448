import { SAMPLE_RATE, type Song } from '../../audio/song.ts';
import { forEachStereoSpectrum, frameCount } from '../spectra.ts';

const SIZE = 2048;
/** Samples between two voice frames. */
const VOICE_HOP = 1536;
/** Voice frames per second, about 29. */
export const VOICE_RATE = SAMPLE_RATE / VOICE_HOP;
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
 * How much the partials in the middle of the stereo image move together, per frame, 0..1: singers glide and have a
 * vibrato, which shifts all partials by the same step on a logarithmic frequency axis; keys, plucked strings and drums
 * stay where they are. (Frequency modulation as a cue of singing: Regnier & Peeters 2009; the middle: Avendano 2003.)
 * Bowed strings, winds and bent guitars move as well: a cue, not a proof.
 *
 * It is the correlation of the peaks with those `LAG` frames before at the best shift, less that without a shift.
 */
export function voiceMovement(song: Song): Float32Array {
  const out = new Float32Array(frameCount(song, VOICE_HOP));
  const recent = Array.from({ length: LAG + 1 }, () => new Float32Array(BINS));
  forEachStereoSpectrum(song, { size: SIZE, hop: VOICE_HOP }, (t, middle, sides) => {
    const now = recent[t % recent.length];
    centrePeaks(middle, sides, now);
    if (t >= LAG) out[t] = movement(now, recent[(t - LAG) % recent.length]);
  });
  return out;
}

const POSITIONS = Float32Array.from(
  { length: BINS },
  (_, b) => (LOWEST_HZ * 2 ** (b / PER_OCTAVE) * SIZE) / SAMPLE_RATE,
);

/** Square roots of what is louder in the middle than at the sides, over the mean around, at least 0. */
function centrePeaks(middle: Float32Array, sides: Float32Array, out: Float32Array): void {
  const level = new Float64Array(BINS + 1);
  for (let b = 0; b < BINS; b++) {
    const k = Math.floor(POSITIONS[b]);
    const share = POSITIONS[b] - k;
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
