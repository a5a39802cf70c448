import { SAMPLE_RATE } from '../../audio/song.ts';
import { MEL_BANDS, MEL_CENTRES } from './mel.ts';

/** Samples between two onset frames. */
export const ONSET_HOP = 512;
/** Onset frames per second, about 86. */
export const ONSET_RATE = SAMPLE_RATE / ONSET_HOP;

/** Weight inside the logarithm: what lies 46 dB under the song's level comes out as log(2). */
const COMPRESSION = 200;
/** Level under which a song counts as silent rather than as quiet: 74 dB under full scale. */
const SILENT_LEVEL = 2e-4;
/** Frames between what is compared, and bands around the older one, so that vibrato is no onset (Böck & Widmer 2013). */
const LAG = 2;
/** Bands up to about 150 Hz hold the kick drum and the bass, those from about 4 kHz the snare's rattle and cymbals. */
const LOW_HZ = 150;
const HIGH_HZ = 4000;

/** Frames over which a kick drum rises, and after which it has died away: 35 ms and 105 ms. */
const STROKE_RISE = 3;
const STROKE_DECAY = 9;

/** What rhythm and form are read from, one value (or `MEL_BANDS` values) per onset frame. */
export interface OnsetFeatures {
  readonly frames: number;
  /** Spectral flux over all bands, at least 0. */
  readonly flux: Float32Array;
  /** Spectral flux of the bands below 150 Hz, per band. */
  readonly lowFlux: Float32Array;
  /** Spectral flux of the bands between the two, per band. */
  readonly midFlux: Float32Array;
  /** Spectral flux of the bands above 4 kHz, per band. */
  readonly highFlux: Float32Array;
  /** Amplitude below 150 Hz that comes and goes again as a kick drum's does, and no bass note's, as a share of the level. */
  readonly stroke: Float32Array;
  /** Mel spectrogram against the song's level, compressed, frame-major, at least 0: no gain changes it. */
  readonly mel: Float32Array;
}

/**
 * Onset strength by spectral flux with a maximum filter over bands, on a compressed mel spectrogram: `mel`, in magnitudes
 * as `melFilter` gives them, is compressed in place.
 */
export function onsetFeatures(mel: Float32Array): OnsetFeatures {
  const frames = mel.length / MEL_BANDS;
  const level = Math.max(SILENT_LEVEL, levelOf(mel, frames));
  const stroke = strokes(mel, frames).map((v) => v / level);
  const gain = COMPRESSION / level;
  for (let i = 0; i < mel.length; i++) mel[i] = Math.log1p(gain * mel[i]);
  const edges = MEL_CENTRES.map((hz) => (hz < LOW_HZ ? 0 : hz < HIGH_HZ ? 1 : 2));
  const sizes = [0, 1, 2].map((zone) => edges.filter((edge) => edge === zone).length);
  const zones = [0, 1, 2].map(() => new Float32Array(frames));
  const flux = new Float32Array(frames);
  for (let t = LAG; t < frames; t++) {
    const now = t * MEL_BANDS;
    const before = (t - LAG) * MEL_BANDS;
    for (let b = 0; b < MEL_BANDS; b++) {
      const around = Math.max(
        mel[before + Math.max(0, b - 1)],
        mel[before + b],
        mel[before + Math.min(MEL_BANDS - 1, b + 1)],
      );
      const rise = mel[now + b] - around;
      if (rise <= 0) continue;
      flux[t] += rise / MEL_BANDS;
      zones[edges[b]][t] += rise / sizes[edges[b]];
    }
  }
  const [lowFlux, midFlux, highFlux] = zones;
  return { frames, flux, lowFlux, midFlux, highFlux, stroke, mel };
}

/** How far the amplitude of the lowest bands stands out of that right before and that a stroke later. */
function strokes(mel: Float32Array, frames: number): Float32Array {
  const bands = MEL_CENTRES.filter((hz) => hz < LOW_HZ).length;
  const amplitude = Float32Array.from({ length: frames }, (_, t) =>
    Math.hypot(...mel.subarray(t * MEL_BANDS, t * MEL_BANDS + bands)),
  );
  return amplitude.map((v, t) =>
    Math.max(0, v - Math.max(amplitude[t - STROKE_RISE] ?? 0, amplitude[t + STROKE_DECAY] ?? 0)),
  );
}

/** Root mean square over time of the strongest band. */
function levelOf(mel: Float32Array, frames: number): number {
  let squares = 0;
  for (let t = 0; t < frames; t++) {
    let highest = 0;
    for (let b = 0; b < MEL_BANDS; b++) highest = Math.max(highest, mel[t * MEL_BANDS + b]);
    squares += highest ** 2;
  }
  return Math.sqrt(squares / Math.max(1, frames));
}
