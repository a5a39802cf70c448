import { mean, spread } from '../vectors.ts';
import type { SelfSimilarity } from './self-similarity.ts';

/** Length of a diagonal that counts as a repetition, in bars. */
const REPETITION_BARS = 4;
/** Bars on either side whose timbre, drum patterns and voice are compared. */
const REACH = 2;
/** Fewest bars on either side that can be told apart. */
const FEWEST_COMPARED = 2;
/** Bounds of a single cue in standard deviations, so that none drowns the others. */
const LEAST_VALUE = -1.5;
const MOST_VALUE = 4;

/**
 * A cue's weight (log odds per standard deviation over the song) and its least deviation: where it varies less, the
 * song does not vary. Weights by logistic regression over the bars of rendered songs of many styles, with and without
 * cymbals, with right and with estimated beats; every cue alone tells boundaries from other bars (area under the curve
 * .65 to .85), none is needed.
 */
const CUES = {
  accent: { weight: 1.3, leastDeviation: 0.05 },
  fill: { weight: 0.6, leastDeviation: 0.03 },
  voice: { weight: 0.35, leastDeviation: 0.1 },
  repetition: { weight: 1.1, leastDeviation: 0.02 },
  timbre: { weight: 0.7, leastDeviation: 0.02 },
  rhythm: { weight: 0.4, leastDeviation: 0.02 },
} as const;
/** Log odds of a bar whose cues are all average. */
const BIAS = -3.2;

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

/** How much of what repeats elsewhere changes between the bars before `b` and those from it on, over all lags. */
function repetitionChange(matrix: Float32Array, n: number): Float64Array {
  // diagonals[b]: mean similarity of the bars from b on to those `lag` later, for one lag.
  const change = new Float64Array(n);
  const diagonals = new Float64Array(n + REPETITION_BARS);
  for (let lag = 1 - n; lag < n; lag++) {
    if (Math.abs(lag) < REPETITION_BARS) continue;
    for (let b = -REPETITION_BARS; b < n; b++) {
      let sum = 0;
      let count = 0;
      for (let i = Math.max(b, 0, -lag); i < Math.min(b + REPETITION_BARS, n, n - lag); i++) {
        sum += matrix[i * n + i + lag];
        count++;
      }
      diagonals[b + REPETITION_BARS] = count > 0 ? sum / count : 0;
    }
    for (let b = 0; b < n; b++) change[b] += (diagonals[b + REPETITION_BARS] - diagonals[b]) ** 2;
  }
  return change.map((v) => Math.sqrt(v / n));
}

/** Mean 0 and deviation 1 over the bars at which anything could be compared; 0 at the others. */
function standardised(values: Float64Array, leastDeviation: number): Float64Array {
  const inner = values.subarray(FEWEST_COMPARED, values.length - FEWEST_COMPARED + 1);
  const { mean, deviation } = spread(inner);
  const isInner = (b: number) => b >= FEWEST_COMPARED && values.length - b >= FEWEST_COMPARED;
  return values.map((v, b) => (isInner(b) ? (v - mean) / Math.max(leastDeviation, deviation) : 0));
}
