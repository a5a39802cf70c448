import { BIN_HZ, BINS } from './grid.ts';
import { runningMedian } from './median.ts';
import { type PitchRange, trackPitch } from './pitch.ts';
import { REPETITION_REACH, repeatingMagnitudes } from './repetition.ts';

/** Frames that cues look beyond those they are asked for. */
export const CUE_REACH = REPETITION_REACH;

/** Width of the median along time, frames (0.4 s): longer than a drum stroke, shorter than most notes. */
const HARMONIC_FRAMES = 17;
/** Width of the median along frequency, bins (330 Hz): wider than a partial. */
const PERCUSSIVE_BINS = 31;
/** Knots of the piecewise linear spectral envelope of the stems' expected shares, Hz: octaves. */
const KNOTS_HZ = [45, 90, 180, 360, 720, 1440, 2880, 5760, 11_520];
/** Cues as logarithms of power ratios are held within this (26 dB), where a ratio is as good as infinite. */
const LIMIT = 6;
/** Keeps ratios finite; 120 dB below full scale, as a frame's spectral power. */
const FLOOR = 1e-6;

const BASS: PitchRange = { low: 36, high: 260, perOctave: 24, partials: 4 };
const VOICE: PitchRange = { low: 110, high: 1000, perOctave: 48, partials: 12 };
/** Bass partials above this tell nothing, Hz. */
const BASS_PARTIALS_HZ = 1500;

/** Cues of a bin: shares over the knots, then the ones named in `cuesAt`. */
export const CUE_COUNT = KNOTS_HZ.length + 20;

/** Everything about a stretch of frames that masks are made from. */
export class Cues {
  readonly #from: number;
  readonly #power: Float32Array;
  readonly #side: Float32Array;
  readonly #harmonic: Float32Array;
  readonly #percussive: Float32Array;
  readonly #repeating: Float32Array;
  readonly #bass;
  readonly #voice;
  readonly #magnitude: Float32Array;

  /** `left`, `right`: spectra of `frames` frames; cues are for frames `from` to `to`. */
  constructor(left: Float32Array, right: Float32Array, frames: number, from: number, to: number) {
    const magnitude = new Float32Array(frames * BINS);
    const centre = new Float32Array(frames * BINS);
    this.#power = new Float32Array(frames * BINS);
    this.#side = new Float32Array(frames * BINS);
    for (let i = 0; i < magnitude.length; i++) {
      const mid = 0.5 * ((left[2 * i] + right[2 * i]) ** 2 + (left[2 * i + 1] + right[2 * i + 1]) ** 2);
      const side = 0.5 * ((left[2 * i] - right[2 * i]) ** 2 + (left[2 * i + 1] - right[2 * i + 1]) ** 2);
      magnitude[i] = Math.sqrt(mid + side);
      centre[i] = Math.max(0, Math.sqrt(mid) - Math.sqrt(side));
      this.#power[i] = mid + side;
      this.#side[i] = side;
    }
    this.#from = from;
    this.#magnitude = magnitude;
    this.#harmonic = new Float32Array(frames * BINS);
    this.#percussive = new Float32Array(frames * BINS);
    for (let t = 0; t < frames; t++) {
      runningMedian(magnitude, this.#percussive, t * BINS, 1, BINS, PERCUSSIVE_BINS);
    }
    for (let k = 0; k < BINS; k++) {
      runningMedian(magnitude, this.#harmonic, k, BINS, frames, HARMONIC_FRAMES);
    }
    this.#repeating = repeatingMagnitudes(magnitude, frames, from, to);
    const low = new Float32Array(frames * BINS);
    const lowBins = Math.ceil(1000 / BIN_HZ);
    for (let t = 0; t < frames; t++) {
      for (let k = 0; k < BINS; k++) {
        const i = t * BINS + k;
        if (k < lowBins) low[i] = Math.min(this.#harmonic[i], magnitude[i]);
        const hz = k * BIN_HZ;
        centre[i] = Math.max(0, centre[i] - this.#percussive[i]) * (hz < 200 || hz > 5000 ? 0.1 : 1);
      }
    }
    this.#bass = trackPitch(low, frames, BASS);
    this.#voice = trackPitch(centre, frames, VOICE);
  }

  /** Writes the `CUE_COUNT` cues of bin `k` of frame `t`. */
  cuesAt(t: number, k: number, out: Float32Array): void {
    const i = t * BINS + k;
    const n = KNOTS_HZ.length;
    out.fill(0);
    const octave = Math.min(n - 1, Math.max(0, Math.log2(Math.max(1, k * BIN_HZ) / KNOTS_HZ[0])));
    const knot = Math.min(n - 2, Math.floor(octave));
    out[knot] = knot + 1 - octave;
    out[knot + 1] = octave - knot;
    const power = this.#power[i] + FLOOR;
    let around = FLOOR;
    let side = FLOOR;
    for (let j = Math.max(0, k - 1); j <= Math.min(BINS - 1, k + 1); j++) {
      around += this.#power[t * BINS + j];
      side += this.#side[t * BINS + j];
    }
    const h = this.#harmonic[i] ** 2 + FLOOR;
    const p = this.#percussive[i] ** 2 + FLOOR;
    const low = Math.max(0, 1 - octave / 3);
    const high = Math.max(0, (octave - 4) / 4);
    const percussion = limited(Math.log(p / h));
    const width = limited(Math.log(side / around));
    const novelty = limited(Math.log(power / (this.#repeating[i - this.#from * BINS] ** 2 + FLOOR)));
    const rise = limited(Math.log(power / h));
    const peak = limited(Math.log(power / p));
    const voice = onPartial(k, this.#voice.hz[t], 1.5);
    const bass = k * BIN_HZ < BASS_PARTIALS_HZ ? onPartial(k, this.#bass.hz[t], 1.3) : 0;
    const voiced = this.#voice.strength[t];
    const past = t >= 2 ? this.#magnitude[i - 2 * BINS] ** 2 + FLOOR : power;
    const next = this.#magnitude[Math.min(this.#magnitude.length - 1, i + 2 * BINS)] ** 2 + FLOOR;
    const attack = limited(Math.log(power / past));
    const decay = limited(Math.log(power / next));
    let c = n;
    out[c++] = percussion;
    out[c++] = percussion * low;
    out[c++] = percussion * high;
    out[c++] = width;
    out[c++] = width * low;
    out[c++] = novelty;
    out[c++] = novelty * low;
    out[c++] = rise;
    out[c++] = rise * low;
    out[c++] = peak;
    out[c++] = voice;
    out[c++] = voice * voiced;
    out[c++] = voiced;
    out[c++] = bass;
    out[c++] = bass * low;
    out[c++] = bass * this.#bass.strength[t];
    out[c++] = attack;
    out[c++] = attack * low;
    out[c++] = decay;
    out[c++] = voice * width;
  }
}

/** How near bin `k` lies to a partial of `hz`: 1 on it, falling to 0 as a Gaussian of `width` bins. */
function onPartial(k: number, hz: number, width: number): number {
  const spacing = hz / BIN_HZ;
  const partial = Math.max(1, Math.round(k / spacing));
  return Math.exp(-(((k - partial * spacing) / width) ** 2));
}

function limited(x: number): number {
  return Math.min(LIMIT, Math.max(-LIMIT, x)) / LIMIT;
}
