/**
 * Beats, bars and meter over a pulse. The pulse and the points half-way between are the grid; a hidden Markov model walks
 * along it through the half-beats of the bar, so that which of the two lies on the beat, where the bars begin and
 * how many beats they have come out of one search.
 */

/** Cost of a bar that is cut short or drawn out by whole beats, in units of log-likelihood. */
const IRREGULAR_COST = 12;
/** Cost of a bar after which the beat lies where the off-beat was: music hardly ever does that. */
const SLIP_COST = 60;
/** Weight of the phase against that of the positions: neighbouring half-beats repeat its evidence. */
const PHASE_SHARE = 0.25;

export type BeatsPerBar = 2 | 3 | 4;

export interface Grid {
  /** Frames of beats and off-beats in turn, ascending, with fractions. */
  readonly points: readonly number[];
  /** For each point the log-odds that it is a beat rather than an off-beat. */
  readonly phase: readonly number[];
}

export interface Bars {
  /** Frames of the beats, with fractions. */
  readonly beats: readonly number[];
  /** Position in the bar of each, 1 on the downbeat. */
  readonly positions: readonly number[];
  /** Log-likelihood of the path. */
  readonly score: number;
}

/** A pulse and the points half-way between its beats, in frames. */
export function gridOf(pulse: readonly number[]): number[] {
  return pulse.flatMap((t, i) => (i === 0 ? [t] : [(pulse[i - 1] + t) / 2, t]));
}

/** `gains`: per position in the bar and frame, the log-likelihood of a beat there against any beat. */
export function findBars({ points, phase }: Grid, gains: readonly Float32Array[]): Bars {
  const states = 2 * gains.length;
  const evidence = (j: number, k: number) =>
    k % 2 === 0 ? PHASE_SHARE * phase[j] + gains[k / 2][Math.round(points[j])] : -PHASE_SHARE * phase[j];
  let scores = Float64Array.from({ length: states }, (_, k) => evidence(0, k));
  const origins: Uint8Array[] = [];
  for (let j = 1; j < points.length; j++) {
    const next = new Float64Array(states);
    const origin = new Uint8Array(states);
    for (let k = 0; k < states; k++) {
      origin[k] = k === 0 ? entry(scores) : k - 1;
      next[k] = scores[origin[k]] - (k === 0 ? entryCost(origin[k], states) : 0) + evidence(j, k);
    }
    scores = next;
    origins.push(origin);
  }
  let state = scores.indexOf(Math.max(...scores));
  const score = scores[state];
  const path = [state];
  for (const origin of origins.reverse()) {
    state = origin[state];
    path.push(state);
  }
  const walk = path
    .reverse()
    .flatMap((k, j) => (k % 2 === 0 ? [{ beat: points[j], position: k / 2 + 1 }] : []));
  return {
    beats: walk.map(({ beat }) => beat),
    positions: walk.map(({ position }) => position),
    score,
  };
}

/**
 * With the beat half-way before the grid's first point where that is an off-beat, and likewise behind its last, as far as
 * the song of `frames` frames reaches: a pulse that lies on the off-beats begins late. Whether it sounds is not asked here.
 */
export function withOuterBeats(
  { beats, positions, score }: Bars,
  points: readonly number[],
  { beatsPerBar, frames }: { beatsPerBar: BeatsPerBar; frames: number },
): Bars {
  const before = 2 * points[0] - points[1];
  const behind = 2 * points[points.length - 1] - points[points.length - 2];
  const leads = beats[0] !== points[0] && before >= 0;
  const follows = beats[beats.length - 1] !== points[points.length - 1] && behind <= frames - 1;
  const next = (position: number, step: number) => ((position - 1 + step + beatsPerBar) % beatsPerBar) + 1;
  return {
    beats: [...(leads ? [before] : []), ...beats, ...(follows ? [behind] : [])],
    positions: [
      ...(leads ? [next(positions[0], -1)] : []),
      ...positions,
      ...(follows ? [next(positions[positions.length - 1], 1)] : []),
    ],
    score,
  };
}

/** The state from which a bar is entered best. */
function entry(scores: Float64Array): number {
  let best = scores.length - 1;
  for (let k = 0; k < scores.length; k++)
    if (scores[k] - entryCost(k, scores.length) > scores[best] - entryCost(best, scores.length)) best = k;
  return best;
}

/** From the last half-beat, one steps into the next bar; from another off-beat the bar is irregular, from a beat it slips. */
function entryCost(state: number, states: number): number {
  if (state === states - 1) return 0;
  return state % 2 === 1 ? IRREGULAR_COST : SLIP_COST;
}
