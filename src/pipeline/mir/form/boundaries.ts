import { LEAST_DEVIATION, mean, spread } from '../vectors.ts';
import type { SelfSimilarity } from './self-similarity.ts';

/** Length of a diagonal that counts as a repetition, in bars. */
const REPETITION_BARS = 4;
/** Fewest bars on either side that can be told apart. */
const FEWEST_COMPARED = 2;
/** The cues of a boundary: weights of their standardised values. A cymbal on the downbeat says most. */
const WEIGHTS = {
  accent: 1.5,
  repetition: 0.6,
  timbre: { 2: 0.5, 4: 0.6 },
  rhythm: { 4: 0.6 },
  notes: { 4: 0.5, 8: 0.8 },
  harmony: { 8: 0.3 },
} as const;
/** Bounds of a single cue's value, so that none drowns the others. */
const LEAST_VALUE = -1.5;
const MOST_VALUE = 4;
/** Bars around that a boundary is measured against, and by how much: one among quiet bars counts for more. */
const SURROUNDINGS = 4;
const LOCAL_SHARE = 0.7;
/** What a boundary must bring, in standard deviations of the novelty, to be worth a section. */
const THRESHOLD = 1.2;
/** Shortest first and last section, and longest section, in bars. */
const SHORTEST = 3;
const LONGEST = 32;

/** Liking for a section of so many bars: music counts in fours and eights. */
function lengthScore(bars: number): number {
  if (bars < 2) return -3;
  if (bars < 4) return -1.2;
  if (bars % 8 === 0) return bars <= 16 ? 0.9 : 0.3;
  if (bars % 4 === 0) return 0.6;
  return bars % 2 === 0 ? 0 : -0.5;
}

/**
 * The bars that sections begin on, the first always among them, and how strongly each stands out, 0..1.
 *
 * Novelty along the diagonal of the self-similarities (Foote 2000) and along the lag axis (Serrà et al. 2014), and
 * the choice of bars that gathers most of it in sections of likely lengths (dynamic programming).
 */
export function findBoundaries(similarity: SelfSimilarity): { bar: number; confidence: number }[] {
  const { bars } = similarity;
  if (bars < 4) return [{ bar: 0, confidence: 1 }];
  const novelty = combined(similarity);
  const best = new Float64Array(bars + 1).fill(-Infinity);
  const previous = new Int32Array(bars + 1).fill(-1);
  best[0] = 0;
  for (let end = 1; end <= bars; end++) {
    for (let start = Math.max(0, end - LONGEST); start < end; start++) {
      // The first and the last section may have any length: excerpts are cut, endings ring out.
      const open = (start === 0 || end === bars) && end - start >= SHORTEST;
      const length = open ? Math.max(-0.3, lengthScore(end - start)) : lengthScore(end - start);
      const gain = end === bars ? 0 : novelty[end] - THRESHOLD;
      const score = best[start] + length + gain;
      if (score > best[end]) {
        best[end] = score;
        previous[end] = start;
      }
    }
  }
  const starts: number[] = [];
  for (let bar = previous[bars]; bar >= 0; bar = previous[bar]) starts.push(bar);
  return starts
    .reverse()
    .map((bar) => ({ bar, confidence: bar === 0 ? 1 : Math.min(1, Math.max(0, novelty[bar] / 4)) }));
}

function combined(similarity: SelfSimilarity): Float64Array {
  const { bars } = similarity;
  const sum = new Float64Array(bars);
  const cue = (weight: number, values: Float64Array) => {
    standardised(values).forEach((v, b) => {
      sum[b] += weight * Math.min(MOST_VALUE, Math.max(LEAST_VALUE, v));
    });
  };
  cue(WEIGHTS.accent, Float64Array.from(similarity.accent));
  cue(WEIGHTS.repetition, repetitionChange(similarity.harmony, bars));
  for (const part of ['timbre', 'rhythm', 'notes', 'harmony'] as const)
    for (const [half, weight] of Object.entries(WEIGHTS[part]))
      cue(weight, checkerboard(similarity[part], bars, Number(half)));
  return standardised(sum.map((v, b) => v - LOCAL_SHARE * meanAround(sum, b)));
}

/** Mean of the values within `SURROUNDINGS` bars, those next to `b` and `b` itself left out. */
function meanAround(values: Float64Array, b: number): number {
  return mean(values.filter((_, i) => Math.abs(i - b) > 1 && Math.abs(i - b) <= SURROUNDINGS));
}

/**
 * Mean similarity within the bars before `b` and within those from it on, less the mean similarity across, tapered by
 * a Gaussian. Zero at the edges, where there is nothing to compare.
 */
function checkerboard(matrix: Float32Array, n: number, half: number): Float64Array {
  return Float64Array.from({ length: n }, (_, b) => {
    if (b < FEWEST_COMPARED || n - b < FEWEST_COMPARED) return 0;
    const sums = { within: 0, across: 0 };
    const weights = { within: 0, across: 0 };
    for (let i = Math.max(0, b - half); i < Math.min(n, b + half); i++) {
      for (let j = Math.max(0, b - half); j < Math.min(n, b + half); j++) {
        if (i === j) continue;
        const taper = Math.exp(-2 * (((i - b + 0.5) / half) ** 2 + ((j - b + 0.5) / half) ** 2));
        const part = i < b === j < b ? 'within' : 'across';
        sums[part] += taper * matrix[i * n + j];
        weights[part] += taper;
      }
    }
    return sums.within / weights.within - sums.across / weights.across;
  });
}

/** How much what repeats elsewhere changes between the bars before `b` and those from it on. */
function repetitionChange(matrix: Float32Array, n: number): Float64Array {
  // diagonal[b][lag]: similarity of the bars from b on to those `lag` later, wrapping no further than the song.
  const diagonal = (b: number, lag: number) => {
    let sum = 0;
    let count = 0;
    for (let k = 0; k < REPETITION_BARS; k++) {
      const i = b + k;
      const j = i + lag;
      if (i < 0 || j < 0 || i >= n || j >= n) continue;
      sum += matrix[i * n + j];
      count++;
    }
    return count > 0 ? sum / count : 0;
  };
  return Float64Array.from({ length: n }, (_, b) => {
    if (b < FEWEST_COMPARED || n - b < FEWEST_COMPARED) return 0;
    let change = 0;
    for (let lag = 1 - n; lag < n; lag++) {
      if (Math.abs(lag) < REPETITION_BARS) continue;
      change += (diagonal(b, lag) - diagonal(b - REPETITION_BARS, lag)) ** 2;
    }
    return Math.sqrt(change / n);
  });
}

/** Mean 0 and deviation 1 over the bars at which anything could be compared; 0 at the others. */
function standardised(values: Float64Array): Float64Array {
  const { mean, deviation } = spread(values.subarray(FEWEST_COMPARED, values.length - FEWEST_COMPARED + 1));
  const isInner = (b: number) => b >= FEWEST_COMPARED && values.length - b >= FEWEST_COMPARED;
  return values.map((v, b) => (deviation > LEAST_DEVIATION && isInner(b) ? (v - mean) / deviation : 0));
}
