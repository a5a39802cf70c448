import { SAMPLE_RATE, type Song } from '../../audio/song.ts';
import { forEachSpectrum, frameTime } from '../spectra.ts';
import { dot, spread } from '../vectors.ts';

const SIZE = 16_384;
/** Samples between two pitch frames. */
const PITCH_HOP = 2048;
/** Lowest and highest note, as MIDI numbers: A0 to C8. */
export const LOWEST_NOTE = 21;
export const NOTES = 88;

/** Bins of the logarithmic spectrum per semitone; the middle one lies on the note. */
const PER_SEMITONE = 3;
/** Bins of the logarithmic spectrum, the last note's overtones cut off. */
const LOG_BINS = NOTES * PER_SEMITONE;
/** Each overtone's amplitude as a share of the one below it (Mauch & Dixon 2010). */
const OVERTONE_DECAY = 0.7;
const OVERTONES = 12;
/** Semitones on either side that a bin's background is taken from. */
const BACKGROUND_SEMITONES = 9;
const NNLS_ROUNDS = 60;
/** Keeps the whitening finite: a share of the spectrum's highest bin, and a level far below any sound. */
const LEAST_SHARE = 0.005;
const LEAST_LEVEL = 1e-6;

/** How strongly each note sounds in each interval: interval-major, `NOTES` values of at least 0 each. */
export type NoteSalience = readonly Float32Array[];

/**
 * Note saliences between consecutive `edges` (seconds, ascending): the spectrum, mapped to thirds of a semitone above
 * the tuning of `a4` Hz, averaged over each interval, freed of its background, and explained as a sum of notes with
 * decaying overtones by non-negative least squares (after Mauch & Dixon, "Approximate note transcription", 2010).
 */
export function noteSalience(song: Song, edges: readonly number[], a4: number): NoteSalience {
  const map = logMap(a4);
  const sums = Array.from({ length: edges.length - 1 }, () => new Float32Array(LOG_BINS));
  const counts = new Uint32Array(edges.length - 1);
  let interval = 0;
  forEachSpectrum(song, { size: SIZE, hop: PITCH_HOP }, (t, magnitudes) => {
    const time = frameTime(t, PITCH_HOP);
    while (interval < sums.length - 1 && time >= edges[interval + 1]) interval++;
    // An interval without a frame of its own, and the frame right before it, share this one.
    for (let i = interval; i >= 0 && (i === interval || counts[i] === 0); i--) {
      counts[i]++;
      const sum = sums[i];
      for (let b = 0; b < LOG_BINS; b++) {
        const { first, weights } = map[b];
        for (let k = 0; k < weights.length; k++) sum[b] += weights[k] * magnitudes[first + k];
      }
    }
  });
  if (song.frames === 0) return [];
  const solve = noteSolver();
  return sums.map((sum, i) => solve(withoutBackground(sum.map((v) => v / Math.max(1, counts[i])))));
}

/** Triangles over the logarithmic frequency axis, in linear bins. */
function logMap(a4: number): { first: number; weights: number[] }[] {
  const binHz = SAMPLE_RATE / SIZE;
  const hzAt = (b: number) => a4 * 2 ** ((LOWEST_NOTE - 69 + (b - 1) / PER_SEMITONE) / 12);
  return Array.from({ length: LOG_BINS }, (_, b) => {
    const centre = hzAt(b);
    // At low pitches a third of a semitone is less than a bin: then the triangle is two bins wide.
    const width = Math.max(hzAt(b + 1) - centre, binHz);
    const first = Math.max(1, Math.ceil((centre - width) / binHz));
    const last = Math.floor((centre + width) / binHz);
    return {
      first,
      weights: Array.from({ length: Math.max(0, last - first + 1) }, (_, k) =>
        Math.max(0, 1 - Math.abs((first + k) * binHz - centre) / width),
      ),
    };
  });
}

/** What stands out of the mean around it, in standard deviations around it (spectral whitening), at least 0. */
function withoutBackground(spectrum: Float32Array): Float32Array {
  const half = BACKGROUND_SEMITONES * PER_SEMITONE;
  const highest = spectrum.reduce((a, b) => Math.max(a, b), 0);
  return spectrum.map((value, b) => {
    const { mean, deviation } = spread(spectrum.subarray(Math.max(0, b - half), b + half + 1));
    return value > mean ? (value - mean) / (deviation + LEAST_SHARE * highest + LEAST_LEVEL) : 0;
  });
}

/** Non-negative least squares by multiplicative updates (Lee & Seung 2001) on a fixed dictionary of notes. */
function noteSolver(): (spectrum: Float32Array) => Float32Array {
  const dictionary = Array.from({ length: NOTES }, (_, note) => noteProfile(note));
  const gram = dictionary.map((a) => Float64Array.from(dictionary, (b) => dot(a, b)));
  return (spectrum) => {
    const target = dictionary.map((profile) => dot(profile, spectrum));
    let salience = Float64Array.from(target, (v) => v);
    for (let round = 0; round < NNLS_ROUNDS; round++) {
      const next = new Float64Array(NOTES);
      for (let n = 0; n < NOTES; n++) {
        if (salience[n] === 0) continue;
        const row = gram[n];
        let explained = 1e-9;
        for (let m = 0; m < NOTES; m++) explained += row[m] * salience[m];
        next[n] = (salience[n] * target[n]) / explained;
      }
      salience = next;
    }
    return Float32Array.from(salience);
  };
}

function noteProfile(note: number): Float32Array {
  const profile = new Float32Array(LOG_BINS);
  let energy = 0;
  for (let h = 1; h <= OVERTONES; h++) {
    const at = 1 + PER_SEMITONE * (note + 12 * Math.log2(h));
    const amplitude = OVERTONE_DECAY ** (h - 1);
    for (let b = Math.max(0, Math.ceil(at - 2)); b <= Math.min(LOG_BINS - 1, at + 2); b++) {
      const share = Math.max(0, 1 - Math.abs(b - at) / 1.6);
      profile[b] += amplitude * share;
    }
  }
  for (const v of profile) energy += v * v;
  const norm = Math.sqrt(energy);
  return profile.map((v) => v / norm);
}
