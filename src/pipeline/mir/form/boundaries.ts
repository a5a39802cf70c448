/** Longest section in bars. */
const LONGEST = 64;
/** From this many bars on, the first and the last section may have any length: songs are cut, endings ring out. */
const SHORTEST_EDGE = 3;
/** What the longest lengths that are not multiples of four have at the edges (log units). */
const EDGE_PRIOR = -0.4;
/** Log odds added to every bar's, from few sections to many, among which the segmentation is chosen. */
const GAINS = [-1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3];

/** Where sections begin, in bars. */
export interface Segmentation {
  /** Ascending, the first one 0. */
  readonly starts: readonly number[];
  /** Probability that a section begins with each bar. */
  readonly probability: Float64Array;
  /** Expected F-measure of the boundaries within the song; of none, the probability that there are none. */
  readonly expectedF: number;
}

/** Log prior of a section of so many bars: music counts in fours and eights. */
function lengthPrior(start: number, end: number, bars: number): number {
  const length = end - start;
  const prior = priorOf(length);
  return (start === 0 || end === bars) && length >= SHORTEST_EDGE ? Math.max(EDGE_PRIOR, prior) : prior;
}

function priorOf(length: number): number {
  if (length < 2) return -3.7;
  if (length < 4) return -1.5;
  if (length % 8 === 0) return length <= 16 ? 1.1 : 0.4;
  if (length % 4 === 0) return 0.8;
  return length % 2 === 0 ? 0 : -0.6;
}

/**
 * Divides a song into sections. `odds`: per bar the log odds that a section begins with it.
 *
 * A semi-Markov model joins these with the prior of the lengths; its marginals are the boundaries' probabilities
 * (forward-backward), and of its most likely segmentations over a range of prior numbers of sections (Viterbi) the one
 * with the best expected F-measure is taken: the number of sections comes from how clear the boundaries are.
 */
export function segment(odds: Float64Array): Segmentation {
  const probability = marginals(odds);
  const expected = probability.reduce((sum, p, b) => (b > 0 ? sum + p : 0), 0);
  let starts: readonly number[] = [0];
  let expectedF = probability.reduce((product, p, b) => (b > 0 ? product * (1 - p) : 1), 1);
  for (const gain of GAINS) {
    const candidate = mostLikely(odds, gain);
    const hits = candidate.reduce((sum, b) => (b > 0 ? sum + probability[b] : 0), 0);
    const f = (2 * hits) / (candidate.length - 1 + expected);
    if (f > expectedF) {
      starts = candidate;
      expectedF = f;
    }
  }
  return { starts, probability, expectedF };
}

function mostLikely(odds: Float64Array, gain: number): number[] {
  const bars = odds.length;
  const best = new Float64Array(bars + 1).fill(-Infinity);
  const previous = new Int32Array(bars + 1).fill(-1);
  best[0] = 0;
  for (let end = 1; end <= bars; end++) {
    for (let start = Math.max(0, end - LONGEST); start < end; start++) {
      const score = best[start] + lengthPrior(start, end, bars) + (end < bars ? odds[end] + gain : 0);
      if (score > best[end]) {
        best[end] = score;
        previous[end] = start;
      }
    }
  }
  const starts: number[] = [];
  for (let bar = previous[bars]; bar >= 0; bar = previous[bar]) starts.push(bar);
  return starts.reverse();
}

/** Probability of a boundary at each bar; 1 at the first. */
function marginals(odds: Float64Array): Float64Array {
  const bars = odds.length;
  // Log sums over all segmentations of the bars before each bar line, and of those after it.
  const before = new Float64Array(bars + 1).fill(-Infinity);
  const after = new Float64Array(bars + 1).fill(-Infinity);
  const oddsAt = (b: number) => (b > 0 && b < bars ? odds[b] : 0);
  before[0] = 0;
  after[bars] = 0;
  for (let end = 1; end <= bars; end++)
    for (let start = Math.max(0, end - LONGEST); start < end; start++)
      before[end] = logSum(before[end], before[start] + oddsAt(start) + lengthPrior(start, end, bars));
  for (let start = bars - 1; start >= 0; start--)
    for (let end = start + 1; end <= Math.min(bars, start + LONGEST); end++)
      after[start] = logSum(after[start], after[end] + oddsAt(end) + lengthPrior(start, end, bars));
  return odds.map((_, b) => Math.exp(before[b] + oddsAt(b) + after[b] - before[bars]));
}

function logSum(a: number, b: number): number {
  return a === -Infinity ? b : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}
