import type { Key } from '../analysis.ts';
import { PITCH_NAMES } from './chords.ts';
import { type Chroma, meanChroma, PITCH_CLASSES } from './chroma.ts';
import { essentia } from './essentia.ts';

/**
 * Harmonics per note and size of the chroma; profile (Faraldo's, learned from dance music, robust on pop); slope; no
 * modal keys, and the profile as it is, without harmonics or chords worked into it: the chroma is free of overtones.
 */
const KEY_SETTINGS = [4, PITCH_CLASSES, 'bgate', 0.6, false, false, false] as const;
/** essentia.js counts pitch classes from A. */
const A = 9;
/** Degrees of the scale, in semitones over the tonic. Minor counts its raised and its lowered seventh. */
const SCALES = {
  major: [0, 2, 4, 5, 7, 9, 11],
  minor: [0, 2, 3, 5, 7, 8, 10, 11],
} as const;
/** Share of the bass in the song's chroma. */
const BASS_SHARE = 0.3;
/** Lowest correlation that makes a key. */
const LEAST_STRENGTH = 0.45;

/** The key whose profile correlates best with the mean chroma, by essentia's `Key`; null where none does. */
export function estimateKey(chroma: readonly Chroma[]): Key | null {
  const { treble, bass } = meanChroma(chroma);
  const mean = treble.map((v, p) => (1 - BASS_SHARE) * v + BASS_SHARE * bass[p]);
  const highest = Math.max(...mean);
  const { key, scale, strength } = matchProfile(mean.map((_, i) => mean[(i + A) % PITCH_CLASSES] / highest));
  if (scale === 'majmin' || !(strength >= LEAST_STRENGTH)) return null;
  return { tonic: key, mode: scale, confidence: Math.min(1, strength) };
}

function matchProfile(fromA: Float32Array) {
  const vector = essentia().arrayToVector(fromA);
  try {
    return essentia().Key(vector, ...KEY_SETTINGS);
  } finally {
    vector.delete();
  }
}

/** Pitch classes of the key's scale, 0 for C. */
export function scaleOf({ tonic, mode }: Key): number[] {
  const root = PITCH_NAMES.indexOf(tonic as (typeof PITCH_NAMES)[number]);
  return SCALES[mode].map((degree) => (root + degree) % PITCH_CLASSES);
}
