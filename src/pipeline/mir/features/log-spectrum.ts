import { LOW_BAND_RATE } from './low-band.ts';

/** The low band's samples in a pitch frame, 0.37 s: tells semitones apart from about G1 on. */
export const PITCH_SIZE = 4096;
/** Width of a bin of a pitch frame's spectrum, in Hz. */
export const PITCH_BIN_HZ = LOW_BAND_RATE / PITCH_SIZE;
/** Lowest and highest note, as MIDI numbers: A0 to C8. */
export const LOWEST_NOTE = 21;
export const NOTES = 88;

/** Bins of the logarithmic spectrum per semitone; the middle one lies on the note. */
const PER_SEMITONE = 3;
/** Bins of the logarithmic spectrum: the notes' own range, their overtones above it cut off. */
export const LOG_BINS = NOTES * PER_SEMITONE;

/** MIDI number of A4. */
const A4 = 69;
/** Bins on either side that a bin's background is taken from: an octave in all. */
const BACKGROUND = 6 * PER_SEMITONE;
/**
 * Keeps the whitening finite: a share of the spectrum's highest bin, below which nothing is a note, and a level far
 * below any sound.
 */
const LEAST_SHARE = 0.02;
const LEAST_LEVEL = 2e-6;

/** Frequency of a note in Hz, by its MIDI number, fractions included. */
export const noteHz = (midi: number, a4: number) => a4 * 2 ** ((midi - A4) / 12);

/** Maps magnitudes over linear frequency (`PITCH_SIZE / 2 + 1` bins) to `LOG_BINS` thirds of a semitone above `a4`'s grid. */
export function logFrequencyMap(a4: number): (magnitudes: Float32Array) => Float32Array {
  const hzAt = (b: number) => noteHz(LOWEST_NOTE + (b - 1) / PER_SEMITONE, a4);
  const triangles = Array.from({ length: LOG_BINS }, (_, b) => {
    const centre = hzAt(b);
    // At low pitches a third of a semitone is less than a bin: then the triangle is two bins wide.
    const width = Math.max(hzAt(b + 1) - centre, PITCH_BIN_HZ);
    const first = Math.max(1, Math.ceil((centre - width) / PITCH_BIN_HZ));
    const last = Math.floor((centre + width) / PITCH_BIN_HZ);
    const weights = Float32Array.from({ length: Math.max(0, last - first + 1) }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k) * PITCH_BIN_HZ - centre) / width),
    );
    return { first, weights };
  });
  return (magnitudes) => {
    const out = new Float32Array(LOG_BINS);
    for (let b = 0; b < LOG_BINS; b++) {
      const { first, weights } = triangles[b];
      for (let k = 0; k < weights.length; k++) out[b] += weights[k] * magnitudes[first + k];
    }
    return out;
  };
}

/**
 * What stands out of the mean of the octave around it, in standard deviations of that octave, at least 0: spectral
 * whitening, which makes quiet instruments and high partials count as much as loud and low ones (Mauch & Dixon 2010).
 */
export function whitened(spectrum: Float32Array): Float32Array {
  const sums = new Float64Array(LOG_BINS + 1);
  const squares = new Float64Array(LOG_BINS + 1);
  let highest = 0;
  spectrum.forEach((value, b) => {
    sums[b + 1] = sums[b] + value;
    squares[b + 1] = squares[b] + value * value;
    highest = Math.max(highest, value);
  });
  return spectrum.map((value, b) => {
    const from = Math.max(0, b - BACKGROUND);
    const to = Math.min(LOG_BINS, b + BACKGROUND + 1);
    const mean = (sums[to] - sums[from]) / (to - from);
    if (value <= mean) return 0;
    const variance = Math.max(0, (squares[to] - squares[from]) / (to - from) - mean * mean);
    return (value - mean) / (Math.sqrt(variance) + LEAST_SHARE * highest + LEAST_LEVEL);
  });
}
