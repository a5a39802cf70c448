import type { Chord } from '../analysis.ts';
import { mean } from '../vectors.ts';
import { mostLikely, probabilities } from './chain.ts';
import { CHORD_STATES, type ChordState, chordLabel, NO_CHORD } from './chord-vocabulary.ts';
import { type Chroma, PITCH_CLASSES } from './chroma.ts';

/** Log cost of a chord change within a beat, on a beat and on a downbeat. */
export const CHANGE_COST = { off: 8, beat: 5, downbeat: 3 } as const;
/** How much stronger than the root another tone must be in the bass to count as the bass note. */
const CLEAR_BASS = 2.5;
/** Fewest intervals (two beats) that a chord goes on over another bass. */
const LEAST_OVER_BASS = 4;

export interface ChordInput {
  /** Log scores of all `CHORD_STATES` in each interval. */
  readonly evidence: readonly Float64Array[];
  readonly chroma: readonly Chroma[];
  /** Seconds; interval i lies between edges i and i + 1. */
  readonly edges: readonly number[];
  /** Cost of a change at the start of each interval. */
  readonly changeCosts: readonly number[];
}

/**
 * The most likely chords by a hidden Markov model over the intervals, without gaps from first to last edge. A chord that
 * lasts may change its bass with the bar. A chord's confidence is its mean probability over its intervals, given the whole
 * song.
 */
export function decodeChords({ evidence, chroma, edges, changeCosts }: ChordInput): Chord[] {
  const chain = { potentials: evidence, changeCosts };
  const path = mostLikely(chain);
  const chances = probabilities(chain);
  const labels = runsOf(path).flatMap(([from, to]) => {
    const chord = CHORD_STATES[path[from]];
    return barsWithin(from, to, changeCosts).flatMap(([first, end]) =>
      Array<string>(end - first).fill(chordLabel(chord, bassOf(chord, chroma.slice(first, end)))),
    );
  });
  return runsOf(labels).map(([from, to]) => ({
    start: edges[from],
    end: edges[to],
    label: labels[from],
    confidence: Math.min(1, mean(chances.slice(from, to).map((row) => row[path[from]]))),
  }));
}

type Range = readonly [first: number, end: number];

/** Stretches of equal values. */
function runsOf<T>(values: readonly T[]): Range[] {
  return rangesOf(
    values.flatMap((value, i) => (i === 0 || value !== values[i - 1] ? [i] : [])),
    values.length,
  );
}

/** The bars of a stretch, those that it cuts too short joined to their neighbours. */
function barsWithin(from: number, to: number, changeCosts: readonly number[]): Range[] {
  const starts = [from];
  for (let i = from + LEAST_OVER_BASS; i <= to - LEAST_OVER_BASS; i++)
    if (changeCosts[i] === CHANGE_COST.downbeat && i - starts[starts.length - 1] >= LEAST_OVER_BASS)
      starts.push(i);
  return rangesOf(starts, to);
}

const rangesOf = (starts: readonly number[], end: number): Range[] =>
  starts.map((start, n) => [start, starts[n + 1] ?? end]);

/** The chords of a song without harmony. */
export function noChords(duration: number): Chord[] {
  return duration > 0 ? [{ start: 0, end: duration, label: NO_CHORD, confidence: 1 }] : [];
}

/** Semitones of the bass note over the root, while the chord sounds: the root unless another of its tones is clearly stronger. */
function bassOf(chord: ChordState, chroma: readonly Chroma[]): number {
  if (!chord?.quality.invertible) return 0;
  const strength = Array.from({ length: PITCH_CLASSES }, (_, semitones) =>
    mean(
      chroma.map(({ bass, bassSalience }) => bassSalience * bass[(chord.root + semitones) % PITCH_CLASSES]),
    ),
  );
  const strongest = strength.indexOf(Math.max(...strength));
  return chord.quality.tones.has(strongest) && strength[strongest] > CLEAR_BASS * strength[0] ? strongest : 0;
}
