import type { Chord } from '../analysis.ts';
import { mean } from '../vectors.ts';
import { mostLikely, probabilities } from './chain.ts';
import { CHORD_STATES, chordLabel, NO_CHORD } from './chord-vocabulary.ts';

/** Log cost of a chord change within a beat, on a beat and on a downbeat. */
export const CHANGE_COST = { off: 7, beat: 4, downbeat: 2 } as const;

export interface ChordInput {
  /** Log scores of all `CHORD_STATES` in each interval. */
  readonly evidence: readonly Float64Array[];
  /** Seconds; interval i lies between edges i and i + 1. */
  readonly edges: readonly number[];
  /** Cost of a change at the start of each interval. */
  readonly changeCosts: readonly number[];
}

/**
 * The most likely chords by a hidden Markov model over the intervals, without gaps from first to last edge. A chord's
 * confidence is the mean probability of its root and quality, in whatever inversion, given the whole song.
 */
export function decodeChords({ evidence, edges, changeCosts }: ChordInput): Chord[] {
  const chain = { potentials: evidence, changeCosts };
  const chances = probabilities(chain);
  const chords: { start: number; end: number; state: number; chances: number[] }[] = [];
  mostLikely(chain).forEach((state, i) => {
    const chance = chanceOf(chances[i], state);
    const last = chords.at(-1);
    if (last?.state === state) {
      last.end = edges[i + 1];
      last.chances.push(chance);
    } else chords.push({ start: edges[i], end: edges[i + 1], state, chances: [chance] });
  });
  return chords.map(({ start, end, state, chances }) => ({
    start,
    end,
    label: chordLabel(CHORD_STATES[state]),
    confidence: Math.min(1, mean(chances)),
  }));
}

/** The chords of a song without harmony. */
export function noChords(duration: number): Chord[] {
  return duration > 0 ? [{ start: 0, end: duration, label: NO_CHORD, confidence: 1 }] : [];
}

/** Probability of the state's root and quality. */
function chanceOf(chances: Float64Array, state: number): number {
  const chord = CHORD_STATES[state];
  return CHORD_STATES.reduce(
    (sum, other, s) =>
      s === state || (chord && other?.root === chord.root && other.shape.quality === chord.shape.quality)
        ? sum + chances[s]
        : sum,
    0,
  );
}
