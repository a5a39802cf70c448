import { mean } from '../vectors.ts';
import { CHORD_STATES, type Quality } from './chord-vocabulary.ts';
import { PITCH_CLASSES } from './chroma.ts';

/** Intervals that an opening or a final chord is read from: two beats. */
const CHORD_INTERVALS = 4;
/** Log units, in the scores of keys, of a part that opens on the tonic's triad, and of a song that ends on it. */
const OPENING_WEIGHT = 2;
const FINAL_WEIGHT = 1;

export interface FormInput {
  /** Log scores of all `CHORD_STATES` in each interval. */
  readonly evidence: readonly Float64Array[];
  /** Seconds; interval i lies between edges i and i + 1. */
  readonly edges: readonly number[];
  /** Seconds at which the song's parts start, ascending. */
  readonly partStarts: readonly number[];
}

/**
 * What the form says for each key in each interval: parts tend to open on the tonic, and songs to end on it, which
 * tells a key from its relative where both have the same notes. The twelve major keys from C, then the minor ones.
 */
export function tonicCues({ evidence, edges, partStarts }: FormInput): Float64Array[] {
  const starts = [0, ...partStarts.map((time) => edges.findIndex((edge) => edge >= time - 1e-3))].filter(
    (start, i, all) => i === 0 || start > all[i - 1],
  );
  const final = triadChances(evidence.filter(isSounding).slice(-CHORD_INTERVALS));
  return starts.flatMap((start, part) => {
    const intervals = evidence.slice(start, starts[part + 1]);
    const opening = triadChances(intervals.filter(isSounding).slice(0, CHORD_INTERVALS));
    const isLast = part === starts.length - 1;
    const cues = opening.map((chance, k) => OPENING_WEIGHT * chance + (isLast ? FINAL_WEIGHT * final[k] : 0));
    return intervals.map(() => cues);
  });
}

/** Whether some chord is likelier than none. */
const isSounding = (scores: Float64Array) => scores.some((score) => score > scores[0]);

/** Probability of each major and minor triad, with or without a seventh, in some intervals; zeros of none. */
function triadChances(rows: readonly Float64Array[]): Float64Array {
  const chances = new Float64Array(2 * PITCH_CLASSES);
  if (rows.length === 0) return chances;
  const scores = CHORD_STATES.map((_, s) => mean(rows.map((row) => row[s])));
  const highest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - highest));
  const total = weights.reduce((a, b) => a + b, 0);
  CHORD_STATES.forEach((chord, s) => {
    if (chord === null) return;
    const third = thirdOf(chord.quality);
    if (third === 'major') chances[chord.root] += weights[s] / total;
    if (third === 'minor') chances[PITCH_CLASSES + chord.root] += weights[s] / total;
  });
  return chances;
}

/** The third over a perfect fifth, if there are both. */
function thirdOf({ tones }: Quality): 'major' | 'minor' | null {
  if (!tones.has(7)) return null;
  return tones.has(4) ? 'major' : tones.has(3) ? 'minor' : null;
}
