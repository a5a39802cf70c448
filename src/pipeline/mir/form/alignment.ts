import type { Beat } from '../analysis.ts';
import { MEL_BANDS } from '../features/mel.ts';
import { ONSET_RATE, type OnsetFeatures } from '../features/onsets.ts';
import { mean } from '../vectors.ts';
import { FREE_BAR } from './bar-lines.ts';
import { meanSpectrum } from './self-similarity.ts';

/** Beats before and after a time whose spectra are compared. */
const WINDOW_BEATS = 2;
/** Fewest boundaries that tell anything together. */
const FEWEST_BOUNDARIES = 2;
/** By how much the change must be sharper on another beat than on the downbeats. */
const LEAST_GAIN = 1.1;
/** Seconds before and after a time whose spectra are compared, where there are no beats. */
const FREE_WINDOW = 2;
/** How far boundaries move where there are no beats, in seconds, and in what steps: they keep their order. */
const FREE_REACH = 0.45 * FREE_BAR;
const FREE_STEP = 0.1;

/**
 * By how many beats (0 to one bar less one) the downbeats are too early for the boundaries: the beat on which, over all
 * boundaries together, the spectrum changes most sharply. 0 unless there are several and it is clearly another one. Trackers that take the
 * second or third beat for the first do so all through a song.
 */
export function beatsTooEarly(
  boundaries: readonly number[],
  beats: readonly Beat[],
  onsets: OnsetFeatures,
): number {
  if (boundaries.length < FEWEST_BOUNDARIES) return 0;
  const meter = beats.reduce((most, { position }) => Math.max(most, position), 1);
  const window = (WINDOW_BEATS * (beats[beats.length - 1].time - beats[0].time)) / (beats.length - 1);
  const at = boundaries.map((time) => beats.findIndex((beat) => beat.time >= time));
  const sharpnessAfter = (shift: number) =>
    mean(at.map((i) => (beats[i + shift] ? changeAt(beats[i + shift].time, window, onsets) : 0)));
  let best = { shift: 0, sharpness: LEAST_GAIN * sharpnessAfter(0) };
  for (let shift = 1 - meter; shift < meter; shift++) {
    const sharpness = sharpnessAfter(shift);
    if (sharpness > best.sharpness) best = { shift, sharpness };
  }
  return (best.shift + meter) % meter;
}

/** The time around a boundary, where there are no beats, at which the spectrum changes most. */
export function sharpestNear(time: number, onsets: OnsetFeatures): number {
  let best = { time, change: -1 };
  for (let offset = -FREE_REACH; offset <= FREE_REACH; offset += FREE_STEP) {
    const change = changeAt(time + offset, FREE_WINDOW, onsets);
    if (change > best.change) best = { time: time + offset, change };
  }
  return best.time;
}

/** Distance between the mean spectra of so many seconds before and after a time. */
function changeAt(time: number, window: number, onsets: OnsetFeatures): number {
  // The frame on the boundary itself holds sound of both sides.
  const frame = 1 / ONSET_RATE;
  const before = meanSpectrum(onsets, { start: Math.max(0, time - window), end: Math.max(0, time - frame) });
  const after = meanSpectrum(onsets, { start: time, end: time + window });
  let squares = 0;
  for (let b = 0; b < MEL_BANDS; b++) squares += (after[b] - before[b]) ** 2;
  return Math.sqrt(squares);
}
