import { ONSET_RATE } from '../features/onsets.ts';
import { mean, median } from '../vectors.ts';

/** Deviation of an interval from the median, as a share of it, that is still regular. */
const REGULAR = 0.15;
/** Fewest beats that make a tempo. */
const FEWEST_BEATS = 8;

/** Beats per minute of the straight line through the longest run of regular beats (all beats, where that is short). */
export function fitTempo(beats: readonly number[]): number | null {
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
