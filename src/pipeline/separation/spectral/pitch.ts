import { BIN_HZ, BINS } from './grid.ts';

/** Where a monophonic line is looked for. */
export interface PitchRange {
  /** Lowest and highest fundamental, Hz. */
  readonly low: number;
  readonly high: number;
  /** Candidates per octave. */
  readonly perOctave: number;
  /** Partials that support a fundamental. */
  readonly partials: number;
}

/** A monophonic line: per frame its fundamental in Hz, and how much of the frame its partials hold, 0..1. */
export interface PitchTrack {
  readonly hz: Float32Array;
  readonly strength: Float32Array;
}

/** Each partial supports its fundamental less than the one below: real partials fall off, octave errors don't. */
const PARTIAL_DECAY = 0.85;
/** Price of a move by one candidate, against a salience scaled to 0..1. */
const MOVE_COST = 0.02;
/** Candidates that a line may move by in one frame, beyond which every move costs the same. */
const MAX_MOVE = 6;

/**
 * Follows the most salient line: harmonic summation (Klapuri 2006) on `peaks`, then the best path (Viterbi).
 *
 * `peaks`: magnitudes of spectral peaks, frame-major, `BINS` a frame, never negative.
 */
export function trackPitch(peaks: Float32Array, frames: number, range: PitchRange): PitchTrack {
  const states = Math.round(Math.log2(range.high / range.low) * range.perOctave) + 1;
  const candidates = Float64Array.from({ length: states }, (_, s) => range.low * 2 ** (s / range.perOctave));
  const salience = new Float32Array(frames * states);
  const compressed = new Float32Array(BINS);
  for (let t = 0; t < frames; t++) {
    let total = 0;
    for (let k = 0; k < BINS; k++) {
      compressed[k] = Math.sqrt(peaks[t * BINS + k]);
      total += compressed[k];
    }
    for (let s = 0; s < states && total > 0; s++) {
      salience[t * states + s] = harmonicSum(compressed, candidates[s], range.partials);
    }
    normalise(salience.subarray(t * states, (t + 1) * states), total);
  }
  const path = bestPath(salience, frames, states);
  return {
    hz: Float32Array.from(path, (s) => candidates[s]),
    strength: Float32Array.from(path, (s, t) => salience[t * states + s]),
  };
}

function harmonicSum(spectrum: Float32Array, hz: number, partials: number): number {
  let sum = 0;
  let weight = 1;
  for (let h = 1; h <= partials; h++, weight *= PARTIAL_DECAY) {
    const bin = (h * hz) / BIN_HZ;
    const k = Math.floor(bin);
    if (k + 1 >= BINS) break;
    sum += weight * (spectrum[k] + (bin - k) * (spectrum[k + 1] - spectrum[k]));
  }
  return sum;
}

/** Scales by the frame's total, so that loud and soft frames weigh alike; the root spreads the low end. */
function normalise(salience: Float32Array, total: number): void {
  if (total <= 0) return;
  for (let s = 0; s < salience.length; s++) salience[s] = Math.sqrt(Math.min(1, (4 * salience[s]) / total));
}

function bestPath(salience: Float32Array, frames: number, states: number): Int32Array {
  const from = new Int32Array(frames * states);
  let score = Float64Array.from(salience.subarray(0, states));
  let next = new Float64Array(states);
  for (let t = 1; t < frames; t++) {
    let top = 0;
    for (let s = 1; s < states; s++) if (score[s] > score[top]) top = s;
    for (let s = 0; s < states; s++) {
      let best = top;
      let bestScore = score[top] - MOVE_COST * MAX_MOVE;
      for (let p = Math.max(0, s - MAX_MOVE); p <= Math.min(states - 1, s + MAX_MOVE); p++) {
        const moved = score[p] - MOVE_COST * Math.abs(p - s);
        if (moved > bestScore) {
          best = p;
          bestScore = moved;
        }
      }
      next[s] = bestScore + salience[t * states + s];
      from[t * states + s] = best;
    }
    [score, next] = [next, score];
  }
  const path = new Int32Array(frames);
  for (let s = 1; s < states; s++) if (score[s] > score[path[frames - 1]]) path[frames - 1] = s;
  for (let t = frames - 1; t > 0; t--) path[t - 1] = from[t * states + path[t]];
  return path;
}
