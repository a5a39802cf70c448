import { type Cue, type Cues, weigh } from './cues.ts';

/**
 * Where in the bar a beat lies, by what is heard on it: a multinomial logistic model of the first beat, the third and
 * the backbeats (the second and fourth) of a bar of four, and a logistic model of the first beat of a bar of three.
 * Kick and bass, and changes of the harmony, mark the first beat; the snare marks the backbeats.
 */
type Weights = Readonly<Record<Cue, number>> & { readonly bias: number };

/** Fitted, with a quadratic penalty, on the beats of rendered songs of many styles, every song weighing the same. */
const FIRST: Weights = {
  kick: 0.51,
  low: 0.23,
  mid: 0.29,
  high: -0.31,
  treble: 0.19,
  bass: 0.19,
  treble2: 0.27,
  bass2: 0.29,
  treble4: 0.15,
  bias: -1.37,
};
const BACKBEAT: Weights = {
  kick: -0.43,
  low: -0.44,
  mid: -0.03,
  high: 0.33,
  treble: -0.49,
  bass: -0.36,
  treble2: 0.31,
  bass2: 0.15,
  treble4: -0.03,
  bias: 1.24,
};
const THIRD: Weights = {
  kick: -0.08,
  low: 0.21,
  mid: -0.26,
  high: -0.02,
  treble: 0.3,
  bass: 0.18,
  treble2: -0.58,
  bass2: -0.44,
  treble4: -0.12,
  bias: 0.13,
};
const FIRST_OF_3: Weights = {
  kick: 0.89,
  low: 0.55,
  mid: 0.33,
  high: -0.51,
  treble: 0.38,
  bass: 0.32,
  treble2: 0.43,
  bass2: 0.33,
  treble4: 0.09,
  bias: -2.75,
};

const QUARTER = Math.log(1 / 4);
const HALF = Math.log(1 / 2);
const ONE_OF_3 = Math.log(1 / 3);
const TWO_OF_3 = Math.log(2 / 3);

/**
 * Log-likelihood, per position in a bar of 2, 3 or 4 beats and per frame, of a beat there against any beat. In a bar of two
 * the first beat sounds like the first or third of four.
 */
export function positionGains(cues: Cues, beatsPerBar: 2 | 3 | 4): Float32Array[] {
  if (beatsPerBar === 3) {
    const logit = score(cues, FIRST_OF_3);
    const first = logit.map((z) => -softplus(-z) - ONE_OF_3);
    const other = logit.map((z) => -softplus(z) - TWO_OF_3);
    return [first, other, other];
  }
  const [first, backbeat, third] = [FIRST, BACKBEAT, THIRD].map((weights) => score(cues, weights));
  const total = first.map((z, t) => logSum(z, logSum(backbeat[t], third[t])));
  const back = backbeat.map((z, t) => z - total[t] - HALF);
  if (beatsPerBar === 2) return [first.map((z, t) => logSum(z, third[t]) - total[t] - HALF), back];
  const gain = (scores: Float32Array) => scores.map((z, t) => z - total[t] - QUARTER);
  return [gain(first), back, gain(third), back];
}

const score = (cues: Cues, { bias, ...weights }: Weights) => weigh(cues, weights, bias);

/** log(1 + exp(z)). */
const softplus = (z: number) => (z > 0 ? z + Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z)));

/** log(exp(a) + exp(b)). */
const logSum = (a: number, b: number) => Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
