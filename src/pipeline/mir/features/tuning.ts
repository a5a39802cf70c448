import type { Tuning } from '../analysis.ts';
import { PITCH_BIN_HZ, PITCH_SIZE } from './log-spectrum.ts';
import { forEachSpectrum } from './spectra.ts';

/** Samples between two spectra, at least. */
const LEAST_HOP = 1024;
/** Where partials are strong and lie at least six bins apart per semitone or nearly so. */
const LOWEST_HZ = 110;
const HIGHEST_HZ = 2000;
/** Spectra looked at, at most, spread over the song. */
const MOST_SPECTRA = 800;
/** Peaks below this share of the spectrum's highest don't count, nor those 64 dB under full scale. */
const LEAST_SHARE = 0.02;
const LEAST_MAGNITUDE = 6e-4;
/** Bins beside a peak, just outside of the window's main lobe, and the share of the peak's height left there at most. */
const BESIDE = 3;
const LARGEST_SIDE = 0.35;
/** Histogram of deviations from equal temperament, in steps of one cent. */
const CENTS = 100;
/** Standard deviation of the smoothing over the histogram, in cents. */
const SPREAD = 4;
/** Cents on either side of the histogram's highest point whose mean is the tuning. */
const AROUND = 15;
/** Length of the mean deviation vector (0 spread evenly, 1 all the same) below which nothing is tuned. */
const LEAST_AGREEMENT = 0.08;

/**
 * Frequency of A4 that fits the spectral peaks best, in equal temperament, from -50 to +50 cents around 440 Hz.
 *
 * Peaks are placed by the vertex of the parabola through three logarithmic magnitudes, their deviations from the
 * nearest semitone gathered in a circular histogram weighted by magnitude, whose highest point counts. Null where
 * there are no peaks or they favour no tuning.
 */
export function estimateTuning(lowBand: Float32Array): Tuning | null {
  const histogram = new Float64Array(CENTS);
  let re = 0;
  let im = 0;
  let total = 0;
  const hop = LEAST_HOP * Math.max(1, Math.ceil(lowBand.length / LEAST_HOP / MOST_SPECTRA));
  const first = Math.ceil(LOWEST_HZ / PITCH_BIN_HZ);
  const last = Math.floor(HIGHEST_HZ / PITCH_BIN_HZ);
  forEachSpectrum(lowBand, { size: PITCH_SIZE, hop }, (_, magnitudes) => {
    let highest = 0;
    for (let k = first; k <= last; k++) highest = Math.max(highest, magnitudes[k]);
    const floor = Math.max(LEAST_MAGNITUDE, LEAST_SHARE * highest);
    for (let k = first; k <= last; k++) {
      const m = magnitudes[k];
      if (m < floor || m <= magnitudes[k - 1] || m < magnitudes[k + 1] || !isTonal(magnitudes, k)) continue;
      const [a, b, c] = [Math.log(magnitudes[k - 1]), Math.log(m), Math.log(magnitudes[k + 1])];
      const hz = (k + (0.5 * (a - c)) / (a - 2 * b + c)) * PITCH_BIN_HZ;
      const cents = 1200 * Math.log2(hz / 440);
      const deviation = cents - 100 * Math.round(cents / 100);
      const weight = Math.sqrt(m);
      histogram[((Math.round(deviation) % CENTS) + CENTS) % CENTS] += weight;
      re += weight * Math.cos((2 * Math.PI * deviation) / CENTS);
      im += weight * Math.sin((2 * Math.PI * deviation) / CENTS);
      total += weight;
    }
  });
  const confidence = total > 0 ? Math.hypot(re, im) / total : 0;
  if (confidence < LEAST_AGREEMENT) return null;
  const cents = centreOf(histogram);
  return { frequency: 440 * 2 ** (cents / 1200), cents, confidence };
}

/** A peak of a steady partial falls off on both sides as the Hann window's own, unlike a bump of noise. */
function isTonal(magnitudes: Float32Array, k: number): boolean {
  const sides = Math.max(magnitudes[k - BESIDE], magnitudes[k + BESIDE]);
  return sides < LARGEST_SIDE * magnitudes[k];
}

/** Highest point of the smoothed circular histogram, then the mean deviation around it; in -50..50. */
function centreOf(histogram: Float64Array): number {
  const at = (c: number) => histogram[((c % CENTS) + CENTS) % CENTS];
  let best = 0;
  let highest = -1;
  for (let c = 0; c < CENTS; c++) {
    let sum = 0;
    for (let d = -3 * SPREAD; d <= 3 * SPREAD; d++) sum += at(c + d) * Math.exp(-0.5 * (d / SPREAD) ** 2);
    if (sum > highest) {
      highest = sum;
      best = c;
    }
  }
  let weight = 0;
  let moment = 0;
  for (let d = -AROUND; d <= AROUND; d++) {
    const w = at(best + d) * Math.exp(-0.5 * (d / (1.5 * SPREAD)) ** 2);
    weight += w;
    moment += w * d;
  }
  const cents = best + (weight > 0 ? moment / weight : 0);
  return cents > 50 ? cents - 100 : cents;
}
