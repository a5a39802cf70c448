import { BINS } from './grid.ts';
import { medianInPlace } from './median.ts';

/** Frames either side in which a frame looks for its likes: 4 s, two bars at a middling tempo. */
export const REPETITION_REACH = 172;
/** Frames so near are alike by overlap and say nothing about repetition (0.3 s). */
const NEAR = 12;
/** Likes of a frame: enough for a median, few enough to be truly alike. */
const LIKES = 11;
/** Bands that frames are compared in; as many in a bin's width as the ear hears. */
const BANDS = 48;
/** Bins per band at the low end; the width grows with frequency. */
const FIRST_BIN = 4;

/**
 * Magnitudes that repeat around each frame: the median over the frames most like it (REPET-SIM, Rafii & Pardo 2012),
 * within a reach about each frame, so that the outcome does not depend on where a segment begins.
 *
 * `magnitudes`: frame-major, `BINS` a frame. Returns frames `from` to `to`, likewise.
 */
export function repeatingMagnitudes(
  magnitudes: Float32Array,
  frames: number,
  from: number,
  to: number,
): Float32Array {
  const profiles = bandProfiles(magnitudes, frames);
  const repeating = new Float32Array((to - from) * BINS);
  const likes = new Int32Array(LIKES);
  const scores = new Float64Array(LIKES);
  const values = new Float32Array(LIKES);
  for (let t = from; t < to; t++) {
    const found = mostAlike(profiles, frames, t, likes, scores);
    for (let k = 0; k < BINS; k++) {
      for (let i = 0; i < found; i++) values[i] = magnitudes[likes[i] * BINS + k];
      const median = found > 0 ? medianInPlace(values, found) : 0;
      repeating[(t - from) * BINS + k] = median;
    }
  }
  return repeating;
}

/** Fills `likes` with the frames most like `t`, best first, and returns how many there are. */
function mostAlike(
  profiles: Float32Array,
  frames: number,
  t: number,
  likes: Int32Array,
  scores: Float64Array,
): number {
  let found = 0;
  const end = Math.min(frames, t + REPETITION_REACH + 1);
  for (let u = Math.max(0, t - REPETITION_REACH); u < end; u++) {
    if (Math.abs(u - t) < NEAR) continue;
    let score = 0;
    for (let b = 0; b < BANDS; b++) score += profiles[t * BANDS + b] * profiles[u * BANDS + b];
    if (found === LIKES && score <= scores[LIKES - 1]) continue;
    if (found < LIKES) found++;
    let at = found - 1;
    for (; at > 0 && scores[at - 1] < score; at--) {
      scores[at] = scores[at - 1];
      likes[at] = likes[at - 1];
    }
    scores[at] = score;
    likes[at] = u;
  }
  return found;
}

/** Unit-length square-root spectra in bands evenly spaced in logarithmic frequency; zero for silence. */
function bandProfiles(magnitudes: Float32Array, frames: number): Float32Array {
  const profiles = new Float32Array(frames * BANDS);
  const scale = BANDS / Math.log(BINS / FIRST_BIN);
  for (let t = 0; t < frames; t++) {
    for (let k = FIRST_BIN; k < BINS; k++) {
      const band = Math.min(BANDS - 1, Math.floor(Math.log(k / FIRST_BIN) * scale));
      profiles[t * BANDS + band] += magnitudes[t * BINS + k];
    }
    const profile = profiles.subarray(t * BANDS, (t + 1) * BANDS);
    let sum = 0;
    for (const value of profile) sum += value;
    for (let b = 0; b < BANDS && sum > 0; b++) profile[b] = Math.sqrt(profile[b] / sum);
  }
  return profiles;
}
