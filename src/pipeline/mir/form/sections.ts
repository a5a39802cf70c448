import type { Beat, Section } from '../analysis.ts';
import { beatsTooEarly, sharpestNear } from './alignment.ts';
import { barEdges, hasBars } from './bar-lines.ts';
import { segment } from './boundaries.ts';
import { boundaryOdds } from './boundary-cues.ts';
import { kindsOf } from './section-kinds.ts';
import { labelSections } from './section-labels.ts';
import { type BarFeatures, selfSimilarity } from './self-similarity.ts';

/** A song shorter than this many seconds is one section. */
const SHORTEST_SONG = 10;
/** By how much the boundaries must be clearer on another beat than on the downbeats (expected F-measure). */
const CLEARER = 0.03;

/** Least probability of a boundary between two sections of one kind, which may be one section. */
const LEAST_BETWEEN_ALIKE = 0.5;

export interface SectionInput extends BarFeatures {
  readonly beats: readonly Beat[];
  /** Seconds. */
  readonly duration: number;
}

/** The form of the song: sections on downbeats, without gaps or overlaps from 0 to `duration`. */
export function findSections({ beats, duration, ...features }: SectionInput): Section[] {
  if (duration < SHORTEST_SONG) return oneSection(duration, 0);
  const solve = (shift: number) => {
    const edges = barEdges(beats, duration, shift);
    const similarity = selfSimilarity(edges, features);
    return { edges, similarity, ...segment(boundaryOdds(similarity)) };
  };
  let solution = solve(0);
  const isMetric = hasBars(beats);
  const inner = solution.starts.slice(1).map((bar) => solution.edges[bar]);
  const shift = isMetric ? beatsTooEarly(inner, beats, features.onsets) : 0;
  if (shift > 0) {
    const shifted = solve(shift);
    if (shifted.expectedF > solution.expectedF + CLEARER) solution = shifted;
  }

  const { edges, similarity, probability, expectedF } = solution;
  const rangesOf = (all: readonly number[]) =>
    all.map((start, i) => ({ start, end: all[i + 1] ?? similarity.bars }));
  const kinds = kindsOf(rangesOf(solution.starts), similarity);
  const starts = solution.starts.filter(
    (bar, i) => i === 0 || kinds[i] !== kinds[i - 1] || probability[bar] >= LEAST_BETWEEN_ALIKE,
  );
  if (starts.length === 1) return oneSection(duration, expectedF);
  const ranges = rangesOf(starts);
  const labels = labelSections(ranges, similarity);
  const timeOf = (bar: number) => (isMetric ? edges[bar] : sharpestNear(edges[bar], features.onsets));
  const times = [0, ...starts.slice(1).map(timeOf), duration];
  return starts.map((start, i) => ({
    start: times[i],
    end: times[i + 1],
    label: labels[i],
    confidence: probability[start],
  }));
}

/** The form of what has none. */
export const oneSection = (duration: number, confidence: number): Section[] =>
  duration > 0 ? [{ start: 0, end: duration, label: 'A', confidence }] : [];
