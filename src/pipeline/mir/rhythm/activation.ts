import { ONSET_RATE, type OnsetFeatures } from '../features/onsets.ts';
import { dot } from '../vectors.ts';

/** Bounds of the activation, so that no single frame decides. */
const LEAST_ACTIVATION = 0.03;
const MOST_ACTIVATION = 0.97;
/** Seconds over which the onset strength is levelled. */
const LEVEL_SECONDS = 6;
/** Least level around a frame, as a share of the song's: a passage softer than this does not count as loud. */
const LEAST_LEVEL = 0.3;
/** Flux that counts as none at all, whatever the song's: what swells and fades has no onsets. */
const NO_FLUX = 0.02;
/** Strokes, as a share of the song's level, that count as none. */
const NO_STROKE = 0.02;
/** Onset strength, in levels, that is sure to be a beat's. */
const SURE_LEVELS = 3;
/** What kick drums add to the flux, both against their root mean squares, and the most of a stroke that counts. */
const STROKE_SHARE = 0.5;
const MOST_STROKE = 5;
/** Frames by which a stroke peaks after its flux. */
const STROKE_DELAY = 1;

/**
 * Onset strength as something like the probability of a beat at each frame: spectral flux and kick drums, divided by
 * their level around, smoothed over three frames.
 */
export function beatActivation({ flux, stroke }: OnsetFeatures): Float32Array {
  const count = flux.length;
  const fluxLevel = rootMeanSquare(flux);
  const strokeLevel = Math.max(NO_STROKE, rootMeanSquare(stroke));
  const strength = flux.map((v, t) => {
    const kick = Math.min(MOST_STROKE, (stroke[t + STROKE_DELAY] ?? 0) / strokeLevel);
    return v + STROKE_SHARE * fluxLevel * kick;
  });
  const smooth = strength.map(
    (v, t) => 0.25 * (strength[t - 1] ?? 0) + 0.5 * v + 0.25 * (strength[t + 1] ?? 0),
  );
  const sums = new Float64Array(count + 1);
  for (let t = 0; t < count; t++) sums[t + 1] = sums[t] + smooth[t] ** 2;
  const half = Math.round((LEVEL_SECONDS / 2) * ONSET_RATE);
  const least = Math.max(NO_FLUX, LEAST_LEVEL * Math.sqrt(sums[count] / Math.max(1, count)));
  return smooth.map((v, t) => {
    const from = Math.max(0, t - half);
    const to = Math.min(count, t + half + 1);
    const level = Math.max(least, Math.sqrt((sums[to] - sums[from]) / (to - from)));
    const x = v / (SURE_LEVELS * level);
    return Math.min(MOST_ACTIVATION, Math.max(LEAST_ACTIVATION, x));
  });
}

const rootMeanSquare = (values: Float32Array) => Math.sqrt(dot(values, values) / Math.max(1, values.length));
