import type { SelfSimilarity } from './self-similarity.ts';

/** Half the width of the checkerboard kernels, in bars: a phrase and a short section. */
const KERNELS = [4, 8] as const;
/** Length of a diagonal that counts as a repetition, in bars. */
const REPETITION_BARS = 4;
/** Shares of what changes in timbre, in harmony, and in what repeats elsewhere. */
const WEIGHTS = { timbre: 1, harmony: 0.5, repetition: 0.8 } as const;
/** What a boundary must bring, in standard deviations of the novelty, to be worth a section. */
const THRESHOLD = 1.0;
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

function combined({ bars, harmony, timbre }: SelfSimilarity): Float64Array {
  const parts: [number, Float64Array][] = [
    ...KERNELS.map((half): [number, Float64Array] => [WEIGHTS.timbre, checkerboard(timbre, bars, half)]),
    ...KERNELS.map((half): [number, Float64Array] => [WEIGHTS.harmony, checkerboard(harmony, bars, half)]),
    [WEIGHTS.repetition, repetitionChange(harmony, bars)],
  ];
  const sum = new Float64Array(bars);
  for (const [weight, part] of parts) {
    const scaled = standardised(part);
    for (let b = 0; b < bars; b++) sum[b] += weight * scaled[b];
  }
  return standardised(sum);
}

/** Similarity within the bars before and those from `b` on, less that across, tapered by a Gaussian. */
function checkerboard(matrix: Float32Array, n: number, half: number): Float64Array {
  return Float64Array.from({ length: n }, (_, b) => {
    let sum = 0;
    let weights = 0;
    for (let i = Math.max(0, b - half); i < Math.min(n, b + half); i++) {
      for (let j = Math.max(0, b - half); j < Math.min(n, b + half); j++) {
        const taper = Math.exp(-2 * (((i - b + 0.5) / half) ** 2 + ((j - b + 0.5) / half) ** 2));
        sum += taper * matrix[i * n + j] * (i < b === j < b ? 1 : -1);
        weights += taper;
      }
    }
    return weights > 0 ? sum / weights : 0;
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
    let change = 0;
    for (let lag = 1 - n; lag < n; lag++) {
      if (Math.abs(lag) < REPETITION_BARS) continue;
      change += (diagonal(b, lag) - diagonal(b - REPETITION_BARS, lag)) ** 2;
    }
    return Math.sqrt(change / n);
  });
}

function standardised(values: Float64Array): Float64Array {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
  return values.map((v) => (deviation > 1e-9 ? (v - mean) / deviation : 0));
}
