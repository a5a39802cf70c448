import type { Beat, Chord, Key, KeySpan } from '../analysis.ts';
import type { Grid } from '../grid.ts';
import { chordEvidence } from './chord-evidence.ts';
import { CHORD_STATES } from './chord-vocabulary.ts';
import { CHANGE_COST, decodeChords } from './chords.ts';
import { type Chroma, PITCH_CLASSES } from './chroma.ts';
import { decodeKeys, mainKey, scaleOf } from './key.ts';
import { withSecondOpinion } from './second-opinion.ts';

/** Log cost of a chord's tone that lies outside of the key, in each interval. */
const FOREIGN_TONE_COST = 0.5;

export interface HarmonyInput {
  readonly chroma: readonly Chroma[];
  readonly grid: Grid;
  readonly beats: readonly Beat[];
  /** Seconds at which the song's parts start, ascending. */
  readonly partStarts: readonly number[];
}

export interface Harmony {
  /** The main key: the one that the song is in for the longest time in all. */
  readonly key: Key | null;
  readonly keys: readonly KeySpan[];
  readonly chords: readonly Chord[];
}

/** Keys and chords of a song. */
export function estimateHarmony({ chroma, grid, beats, partStarts }: HarmonyInput): Harmony {
  const evidence = chordEvidence(chroma);
  const keys = decodeKeys(chroma, { evidence, edges: grid.edges, partStarts });
  const key = mainKey(keys);
  return {
    key: key && withSecondOpinion(key, chroma),
    keys,
    chords: estimateChords({ chroma, evidence, grid, beats, keys }),
  };
}

export interface ChordsInput extends Pick<HarmonyInput, 'chroma' | 'grid' | 'beats'> {
  /** What `chordEvidence` finds in the chroma. */
  readonly evidence: readonly Float64Array[];
  readonly keys: readonly KeySpan[];
}

/** Chords of a song: expected to be made of the key's tones, and to change with the beats and bars. */
export function estimateChords({ chroma, evidence, grid, beats, keys }: ChordsInput): Chord[] {
  const { edges, beatOf } = grid;
  const changeCosts = beatOf.map((beat) => {
    if (beat === null) return CHANGE_COST.off;
    return beats[beat].position === 1 ? CHANGE_COST.downbeat : CHANGE_COST.beat;
  });
  return decodeChords({ evidence: inKey(evidence, keys, edges), chroma, edges, changeCosts });
}

/** The evidence less what each chord's foreign tones cost in the key of the time. */
function inKey(
  evidence: readonly Float64Array[],
  keys: readonly KeySpan[],
  edges: readonly number[],
): Float64Array[] {
  const costs = keys.map((key) => {
    const scale = scaleOf(key);
    return CHORD_STATES.map((chord) => {
      if (chord === null) return 0;
      const foreign = [...chord.quality.tones.keys()].filter(
        (tone) => !scale.includes((chord.root + tone) % PITCH_CLASSES),
      );
      return FOREIGN_TONE_COST * foreign.length;
    });
  });
  return evidence.map((scores, i) => {
    const key = keys.findIndex(({ end }) => edges[i] < end);
    return key < 0 ? scores : scores.map((v, s) => v - costs[key][s]);
  });
}
