import type { Beat, Section } from '../analysis.ts';
import { findBoundaries } from './boundaries.ts';
import { labelSections } from './section-labels.ts';
import { type BarFeatures, selfSimilarity } from './self-similarity.ts';

/** Length of what stands for a bar where there are no beats, in seconds. */
const FREE_BAR = 2;
/** Most bars that are compared with each other; in longer songs several count as one. */
const MOST_BARS = 600;
/** A song shorter than this many seconds is one section. */
const SHORTEST_SONG = 10;

export interface SectionInput extends BarFeatures {
  readonly beats: readonly Beat[];
  /** Seconds. */
  readonly duration: number;
}

/** The form of the song: sections on downbeats, without gaps or overlaps from 0 to `duration`. */
export function findSections({ beats, duration, ...features }: SectionInput): Section[] {
  const edges = barEdges(beats, duration);
  const whole = duration > 0 ? [{ start: 0, end: duration, label: 'A', confidence: 0 }] : [];
  if (duration < SHORTEST_SONG || edges.length < 4) return whole;
  const similarity = selfSimilarity(edges, features);
  const boundaries = findBoundaries(similarity);
  if (boundaries.length === 1) return whole;
  const ranges = boundaries.map(({ bar }, i) => ({
    start: bar,
    end: boundaries[i + 1]?.bar ?? similarity.bars,
  }));
  const labels = labelSections(ranges, similarity);
  return ranges.map(({ start, end }, i) => ({
    start: edges[start],
    end: edges[end],
    label: labels[i],
    confidence: boundaries[i].confidence,
  }));
}

/**
 * Seconds of the bar lines, the song's start and end among them. What lies before the first downbeat joins the first
 * bar, and what rings out after the last full bar joins that.
 */
function barEdges(beats: readonly Beat[], duration: number): number[] {
  let lines = beats.filter(({ position }) => position === 1).map(({ time }) => time);
  if (lines.length < 4)
    lines = Array.from({ length: Math.floor(duration / FREE_BAR) }, (_, i) => i * FREE_BAR);
  const bar = lines[1] - lines[0];
  const inner = lines.filter((time) => time > 1.1 * bar && time < duration - 1.1 * bar);
  const step = Math.ceil(inner.length / MOST_BARS);
  return [0, ...inner.filter((_, i) => i % step === 0), duration].filter(
    (time, i, all) => i === 0 || time > all[i - 1],
  );
}
