import type { Tempo } from '../analysis.ts';
import { mean, median } from '../vectors.ts';
import { type BeatPath, beatActivation, FASTEST_BPM, SLOWEST_BPM, trackBeats } from './beats.ts';
import { ONSET_RATE, type OnsetFeatures } from './onsets.ts';

/** Half the width of the range of tempi that is tried at once, as a ratio; each range overlaps half of the next. */
const RANGE = 1.15;
/** Room for the tempo to drift in once it is chosen. */
const DRIFT = 1.2;
/** Tempi around which listeners tap most readily (van Noorden & Moelants 1999 put the middle a little higher). */
const PREFERRED_BPM = 100;
/** Cost per frame of a tempo that is an octave off the preferred one. */
const OCTAVE_COST = 0.03;
/** Gain per frame where the kick drum or bass tells beats one and three from two and four. */
const ALTERNATION_GAIN = 0.02;
/** Cost per frame where every other beat lacks the onsets of the middle range: it lies between beats, then. */
const PARITY_COST = 0.06;
/** Beats over which the even and the odd ones are compared. */
const PARITY_BEATS = 16;
/** Frames around a beat in which its onset peaks. */
const AROUND = 2;
/** Deviation of an interval from the median, as a share of it, that is still regular. */
const REGULAR = 0.15;
/** Fewest beats that make a tempo. */
const FEWEST_BEATS = 8;
/** Mean activation on beats minus that between, below which nothing in the song beats. */
const LEAST_CONTRAST = 0.2;
/** The contrast of a steady drum kit, which counts as certain. */
const FULL_CONTRAST = 0.8;

export interface Pulse {
  readonly tempo: Tempo;
  /** Beat times in onset frames, with fractions. */
  readonly beats: readonly number[];
  /** How far each beat stands out, 0..1. */
  readonly strength: readonly number[];
}

/**
 * The beats of a song and their tempo: every range of tempi is tracked, and the metrical level is chosen by how well
 * its beats explain the onsets, how the low onsets alternate, and how readily one would tap it. Null without a pulse.
 */
export function findPulse(onsets: OnsetFeatures): Pulse | null {
  const activation = beatActivation(onsets.flux, ONSET_RATE);
  let best: { bpm: number; score: number } | null = null;
  for (let centre = SLOWEST_BPM * RANGE; centre / RANGE < FASTEST_BPM; centre *= RANGE) {
    const path = trackBeats(activation, ONSET_RATE, { slowest: centre / RANGE, fastest: centre * RANGE });
    const bpm = fitTempo(path.frames);
    if (bpm === null) continue;
    const octaves = Math.log2(bpm / PREFERRED_BPM);
    const score =
      path.score -
      OCTAVE_COST * octaves ** 2 +
      ALTERNATION_GAIN * alternation(onsets.lowFlux, path.frames) -
      PARITY_COST * parity(onsets.midFlux, path.frames);
    if (!best || score > best.score) best = { bpm, score };
  }
  if (!best) return null;
  const path = trackBeats(activation, ONSET_RATE, { slowest: best.bpm / DRIFT, fastest: best.bpm * DRIFT });
  const contrast = contrastOf(activation, path);
  const beats = path.frames.map((t) => t + peakOffset(onsets.flux, t));
  const bpm = fitTempo(beats);
  if (bpm === null || contrast < LEAST_CONTRAST) return null;
  return {
    tempo: { bpm, confidence: Math.min(1, contrast / FULL_CONTRAST) },
    beats,
    strength: path.frames.map((t) => activation[t]),
  };
}

/** Beats per minute of the straight line through the longest run of regular beats (all beats, where that is short). */
function fitTempo(beats: readonly number[]): number | null {
  if (beats.length < FEWEST_BEATS) return null;
  const intervals = beats.slice(1).map((beat, i) => beat - beats[i]);
  const typical = median(intervals) ?? 0;
  const regular = longestRun(intervals, (interval) => Math.abs(interval - typical) < REGULAR * typical);
  const span = beats.slice(regular.first, regular.end + 1);
  const used = span.length >= FEWEST_BEATS ? span : beats;
  const n = used.length;
  const meanIndex = (n - 1) / 2;
  const meanBeat = mean(used);
  let covariance = 0;
  let variance = 0;
  for (let i = 0; i < n; i++) {
    covariance += (i - meanIndex) * (used[i] - meanBeat);
    variance += (i - meanIndex) ** 2;
  }
  return (60 * ONSET_RATE * variance) / covariance;
}

function longestRun(
  values: readonly number[],
  holds: (value: number) => boolean,
): { first: number; end: number } {
  let best = { first: 0, end: 0 };
  let first = 0;
  for (let i = 0; i <= values.length; i++) {
    if (i < values.length && holds(values[i])) continue;
    if (i - first > best.end - best.first) best = { first, end: i };
    first = i + 1;
  }
  return best;
}

/** 0..1: one beat's low onset is unlike the next one's and like the one after that, as with kick and snare. */
function alternation(lowFlux: Float32Array, beats: readonly number[]): number {
  const low = peaks(lowFlux, beats);
  return Math.min(1, Math.max(0, autocorrelation(low, 2) - autocorrelation(low, 1)));
}

/** 0..1: how unequal the even and the odd beats' onsets are, as a share of both. */
function parity(flux: Float32Array, beats: readonly number[]): number {
  const values = peaks(flux, beats);
  let difference = 0;
  let total = 0;
  for (let first = 0; first + PARITY_BEATS <= values.length; first += PARITY_BEATS) {
    const window = values.slice(first, first + PARITY_BEATS);
    difference += Math.abs(window.reduce((sum, v, i) => sum + (i % 2 === 0 ? v : -v), 0));
    total += window.reduce((sum, v) => sum + v, 0);
  }
  return total > 0 ? difference / total : 0;
}

const peaks = (flux: Float32Array, beats: readonly number[]) =>
  beats.map((t) => Math.max(0, ...flux.subarray(Math.max(0, t - AROUND), t + AROUND + 1)));

/** Correlation of `values` with themselves, `lag` later; 0 where they don't vary. */
function autocorrelation(values: readonly number[], lag: number): number {
  const centre = mean(values);
  let variance = 0;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    variance += (values[i] - centre) ** 2;
    if (i >= lag) sum += (values[i] - centre) * (values[i - lag] - centre);
  }
  return variance > 0 ? (sum / variance) * (values.length / Math.max(1, values.length - lag)) : 0;
}

function contrastOf(activation: Float32Array, { frames }: BeatPath): number {
  if (frames.length < 2) return 0;
  let on = 0;
  let between = 0;
  for (let i = 1; i < frames.length; i++) {
    on += activation[frames[i]];
    let sum = 0;
    for (let t = frames[i - 1] + 2; t < frames[i] - 1; t++) sum += activation[t];
    between += sum / Math.max(1, frames[i] - frames[i - 1] - 3);
  }
  return (on - between) / (frames.length - 1);
}

/** Where the peak around frame `t` lies between frames, -0.5..0.5: vertex of the parabola through three values. */
function peakOffset(flux: Float32Array, t: number): number {
  const [before, here, after] = [flux[t - 1] ?? 0, flux[t], flux[t + 1] ?? 0];
  const curvature = before - 2 * here + after;
  if (curvature >= 0) return 0;
  return Math.max(-0.5, Math.min(0.5, (0.5 * (before - after)) / curvature));
}
