import { mean, spread } from '../vectors.ts';
import type { SelfSimilarity } from './self-similarity.ts';

/** Length of a diagonal that counts as a repetition, in bars. */
const REPETITION_BARS = 4;
/** Fewest bars on either side of which a repetition is known. */
const FEWEST_REPEATED = 3;
/** Bars on either side whose timbre, drum patterns and voice are compared. */
const REACH = 2;
/** Fewest bars on either side that can be told apart. */
const FEWEST_COMPARED = 2;
/**
 * Bounds of a single cue in standard deviations, so that none drowns the others. A cue that is missing says little against
 * a boundary: where verse and chorus return as a pair, nothing new begins to repeat between them.
 */
const LEAST_VALUE = -0.5;
const MOST_VALUE = 4;

/**
 * A cue's weight (log odds per standard deviation over the song) and its least deviation: where it varies less, the
 * song does not vary. Weights by logistic regression over the bars of rendered songs of many styles, with and without
 * cymbals, with right and with estimated beats; every cue alone tells boundaries from other bars (area under the curve
 * .65 to .85), none is needed.
 */
const CUES = {
  accent: { weight: 1.5, leastDeviation: 0.2 },
  fill: { weight: 0.7, leastDeviation: 0.4 },
  voice: { weight: 0.4, leastDeviation: 0.25 },
  repetition: { weight: 1.0, leastDeviation: 0.02 },
  timbre: { weight: 0.8, leastDeviation: 0.085 },
  rhythm: { weight: 0.3, leastDeviation: 0.05 },
} as const;
/** Log odds of a bar whose cues are all average. */
const BIAS = -3.6;

/**
 * For each bar the log odds that a section begins with it: a cymbal rings on its first beat, a fill comes before it, the
 * voice comes or goes, another part begins to repeat (Serrà et al. 2014), instruments or drum pattern change (Foote
 * 2000). Bars at the edges, where there is nothing to compare, have average cues.
 */
export function boundaryOdds(similarity: SelfSimilarity): Float64Array {
  const { bars, accent, fill, voice, timbre, rhythm, notes, harmony } = similarity;
  const repeating = notes.map((v, i) => v * harmony[i]);
  const values: Record<keyof typeof CUES, Float64Array> = {
    accent: Float64Array.from(accent),
    fill: Float64Array.from(fill),
    voice: step(voice),
    repetition: repetitionChange(repeating, bars),
    timbre: checkerboard(timbre, bars),
    rhythm: checkerboard(rhythm, bars),
  };
  const odds = new Float64Array(bars).fill(BIAS);
  for (const [name, { weight, leastDeviation }] of Object.entries(CUES)) {
    const standard = standardised(values[name as keyof typeof CUES], leastDeviation);
    for (let b = 0; b < bars; b++)
      odds[b] += weight * Math.min(MOST_VALUE, Math.max(LEAST_VALUE, standard[b]));
  }
  return odds;
}

/** How far the mean of the bars from `b` on is from that of the bars before. */
function step(values: readonly number[]): Float64Array {
  return Float64Array.from(values, (_, b) =>
    Math.abs(mean(values.slice(b, b + REACH)) - mean(values.slice(Math.max(0, b - REACH), b))),
  );
}

/** Mean similarity within the bars before `b` and within those from it on, less the mean similarity across (Foote 2000). */
function checkerboard(matrix: Float32Array, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, b) => {
    let within = 0;
    let across = 0;
    let withinCount = 0;
    let acrossCount = 0;
    for (let i = Math.max(0, b - REACH); i < Math.min(n, b + REACH); i++)
      for (let j = Math.max(0, b - REACH); j < i; j++) {
        if (i < b === j < b) {
          within += matrix[i * n + j];
          withinCount++;
        } else {
          across += matrix[i * n + j];
          acrossCount++;
        }
      }
    return withinCount > 0 && acrossCount > 0 ? within / withinCount - across / acrossCount : 0;
  });
}

/**
 * How much of what repeats elsewhere changes between the bars before `b` and those from it on: root mean square over all
 * lags at which `FEWEST_REPEATED` bars or more can be compared on either side. NaN where there is no such lag.
 */
function repetitionChange(matrix: Float32Array, n: number): Float64Array {
  const squares = new Float64Array(n);
  const lags = new Uint32Array(n);
  // Running sum of the similarities of each bar and the one `lag` later, which lie between `first` and `end`.
  const sums = new Float64Array(n + 1);
  for (let lag = 1 - n; lag < n; lag++) {
    if (Math.abs(lag) < REPETITION_BARS) continue;
    const first = Math.max(0, -lag);
    const end = Math.min(n, n - lag);
    for (let b = first; b < end; b++) sums[b + 1] = (b === first ? 0 : sums[b]) + matrix[b * n + b + lag];
    sums[first] = 0;
    for (let b = first + FEWEST_REPEATED; b <= end - FEWEST_REPEATED; b++) {
      const from = Math.max(first, b - REPETITION_BARS);
      const to = Math.min(end, b + REPETITION_BARS);
      squares[b] += ((sums[to] - sums[b]) / (to - b) - (sums[b] - sums[from]) / (b - from)) ** 2;
      lags[b]++;
    }
  }
  return squares.map((v, b) => Math.sqrt(v / lags[b]));
}

/** Mean 0 and deviation 1 over the bars at which something could be compared; 0 at the others. */
function standardised(values: Float64Array, leastDeviation: number): Float64Array {
  const isKnown = (v: number, b: number) =>
    Number.isFinite(v) && b >= FEWEST_COMPARED && b <= values.length - FEWEST_COMPARED;
  const { mean, deviation } = spread(values.filter(isKnown));
  return values.map((v, b) => (isKnown(v, b) ? (v - mean) / Math.max(leastDeviation, deviation) : 0));
}
