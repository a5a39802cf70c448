import { LOG_BINS, logFrequencyMap, PITCH_SIZE, whitened } from './log-spectrum.ts';
import { LOW_BAND_RATE } from './low-band.ts';
import { forEachSpectrum } from './spectra.ts';

/** The low band's samples between two pitch frames. */
const HOP = 512;
/** Pitch frames per second, about 22. */
export const PITCH_RATE = LOW_BAND_RATE / HOP;

/** Which pitches sound in each pitch frame. */
export interface PitchSpectra {
  /** Frequency of A4 in Hz, which the pitches are counted from. */
  readonly a4: number;
  /** Whitened spectra over thirds of a semitone, `LOG_BINS` values per frame, frame-major. */
  readonly spectra: Float32Array<ArrayBuffer>;
  /** How loud each frame is: the sum of its magnitudes at pitches. */
  readonly levels: Float32Array;
}

export function pitchSpectra(lowBand: Float32Array, a4: number): PitchSpectra {
  const frames = Math.ceil(lowBand.length / HOP);
  const spectra = new Float32Array(frames * LOG_BINS);
  const levels = new Float32Array(frames);
  const toLog = logFrequencyMap(a4);
  forEachSpectrum(lowBand, { size: PITCH_SIZE, hop: HOP }, (t, magnitudes) => {
    const spectrum = toLog(magnitudes);
    spectra.set(whitened(spectrum), t * LOG_BINS);
    levels[t] = spectrum.reduce((a, b) => a + b, 0);
  });
  return { a4, spectra, levels };
}
