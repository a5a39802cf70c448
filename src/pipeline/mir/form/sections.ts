import type { Beat, Section } from '../analysis.ts';
import { barEdges, downbeatShifts } from './bar-lines.ts';
import { type Segmentation, segment } from './boundaries.ts';
import { boundaryOdds } from './boundary-cues.ts';
import { labelSections } from './section-labels.ts';
import { type BarFeatures, type SelfSimilarity, selfSimilarity } from './self-similarity.ts';

/** A song shorter than this many seconds is one section. */
const SHORTEST_SONG = 10;
/** By how much the boundaries on other beats must be clearer than those on the downbeats (expected F-measure). */
const SHIFT_COST = 0.08;

export interface SectionInput extends BarFeatures {
  readonly beats: readonly Beat[];
  /** Seconds. */
  readonly duration: number;
}

interface Solution extends Segmentation {
  readonly edges: readonly number[];
  readonly similarity: SelfSimilarity;
}

/**
 * The form of the song: sections on downbeats, without gaps or overlaps from 0 to `duration`.
 *
 * Downbeats may be found on the wrong beat all through; then the boundaries are clearer on another one, and lie there.
 */
export function findSections({ beats, duration, ...features }: SectionInput): Section[] {
  const whole = duration > 0 ? [{ start: 0, end: duration, label: 'A', confidence: 0 }] : [];
  if (duration < SHORTEST_SONG) return whole;
  let best: Solution | undefined;
  for (const shift of downbeatShifts(beats)) {
    const edges = barEdges(beats, duration, shift);
    const similarity = selfSimilarity(edges, features);
    const segmentation = segment(boundaryOdds(similarity));
    const cost = best ? SHIFT_COST : 0;
    if (!best || segmentation.expectedF - cost > best.expectedF)
      best = { ...segmentation, expectedF: segmentation.expectedF - cost, edges, similarity };
  }
  if (!best || best.starts.length === 1) return whole;
  const { edges, similarity, starts, probability } = best;
  const ranges = starts.map((start, i) => ({ start, end: starts[i + 1] ?? similarity.bars }));
  const labels = labelSections(ranges, similarity);
  return ranges.map(({ start, end }, i) => ({
    start: edges[start],
    end: edges[end],
    label: labels[i],
    confidence: probability[start],
  }));
}
