/**
 * A chain of hidden states, one per interval of the song: each has a potential (a log score of any offset) in every
 * interval, and going from one state to any other costs the same, only depending on where in the song. So both
 * algorithms take time in proportion to intervals times states.
 */
export interface Chain {
  /** Interval-major: a log score for each state. */
  readonly potentials: readonly Float64Array[];
  /** Log cost of a change of state at the start of each interval, at least 0. */
  readonly changeCosts: readonly number[];
}

/** The most likely sequence of states (Viterbi). */
export function mostLikely({ potentials, changeCosts }: Chain): number[] {
  if (potentials.length === 0) return [];
  let scores = Float64Array.from(potentials[0]);
  const origins: Int16Array[] = [];
  for (let i = 1; i < potentials.length; i++) {
    const leader = highestOf(scores);
    const entry = scores[leader] - changeCosts[i];
    const origin = new Int16Array(scores.length);
    const next = new Float64Array(scores.length);
    for (let s = 0; s < scores.length; s++) {
      origin[s] = scores[s] >= entry ? s : leader;
      next[s] = Math.max(scores[s], entry) + potentials[i][s];
    }
    origins.push(origin);
    scores = next;
  }
  return traced(highestOf(scores), origins);
}

/**
 * The most likely sequence of states where each change has a cost of its own, the same throughout the song:
 * `costs[to][from]`, 0 where nothing changes. Takes time in proportion to intervals times states squared.
 */
export function mostLikelyByPairs(
  potentials: readonly Float64Array[],
  costs: readonly Float64Array[],
): number[] {
  if (potentials.length === 0) return [];
  let scores = Float64Array.from(potentials[0]);
  const origins: Int16Array[] = [];
  for (const potential of potentials.slice(1)) {
    const origin = new Int16Array(scores.length);
    const last = scores;
    scores = potential.map((value, to) => {
      for (let from = 1; from < last.length; from++)
        if (last[from] - costs[to][from] > last[origin[to]] - costs[to][origin[to]]) origin[to] = from;
      return value + last[origin[to]] - costs[to][origin[to]];
    });
    origins.push(origin);
  }
  return traced(highestOf(scores), origins);
}

/** The sequence that ends in a state, by the states that each one came from. */
function traced(state: number, origins: readonly Int16Array[]): number[] {
  const path = [state];
  for (const origin of origins.toReversed()) path.push(origin[path[path.length - 1]]);
  return path.reverse();
}

/** The probability of each state in each interval, given the whole song (forward-backward). */
export function probabilities({ potentials, changeCosts }: Chain): Float64Array[] {
  const likelihoods = potentials.map((row) => {
    const highest = row[highestOf(row)];
    return row.map((v) => Math.exp(v - highest));
  });
  const forward: Float64Array[] = [];
  likelihoods.forEach((likelihood, i) => {
    const arriving = i === 0 ? null : spreadOut(forward[i - 1], changeCosts[i]);
    forward.push(toSum1(likelihood.map((v, s) => v * (arriving?.[s] ?? 1))));
  });
  let backward: Float64Array | null = null;
  for (let i = forward.length - 1; i >= 0; i--) {
    const later: Float64Array | null = backward;
    if (later !== null) forward[i] = toSum1(forward[i].map((v, s) => v * later[s]));
    const seen = toSum1(likelihoods[i].map((v, s) => v * (later?.[s] ?? 1)));
    backward = spreadOut(seen, changeCosts[i]);
  }
  return forward;
}

/** What comes of a distribution when each state may change into any at `cost`. */
function spreadOut(distribution: Float64Array, cost: number): Float64Array {
  const entry = Math.exp(-cost);
  return distribution.map((v) => v + entry);
}

function toSum1(values: Float64Array): Float64Array {
  const sum = values.reduce((a, b) => a + b, 0);
  return values.map((v) => v / sum);
}

function highestOf(values: Float64Array): number {
  let best = 0;
  for (let s = 1; s < values.length; s++) if (values[s] > values[best]) best = s;
  return best;
}
