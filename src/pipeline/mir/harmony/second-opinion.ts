import type { Key } from '../analysis.ts';
import { logOdds, probabilityOf } from '../confidence.ts';
import { type Chroma, PITCH_CLASSES } from './chroma.ts';
import { essentia } from './essentia.ts';

/**
 * Harmonics per note and size of the chroma; profile (Faraldo et al. 2016, from electronic dance music); slope; no modal
 * keys, and the profile as it is, without harmonics or chords worked into it: the chroma is free of overtones.
 */
const KEY_SETTINGS = [4, PITCH_CLASSES, 'edma', 0.6, false, false, false] as const;
/** essentia.js counts pitch classes from A. */
const A = 9;
/** Share of the bass in what the profiles are compared with. */
const BASS_SHARE = 0.3;
/** Log odds that another method's agreement brings a key, and its disagreement costs; fitted on rendered songs. */
const AGREEMENT = 0.25;

/**
 * A key surer where essentia.js, whose profiles correlate with the song's mean chroma and know neither time nor bass
 * lines, finds the same one, and less sure where it finds another.
 */
export function withSecondOpinion(key: Key, chroma: readonly Chroma[]): Key {
  const other = keyByProfile(chroma);
  const agrees = other.key === key.tonic && other.scale === key.mode;
  return { ...key, confidence: probabilityOf(logOdds(key.confidence) + (agrees ? AGREEMENT : -AGREEMENT)) };
}

function keyByProfile(chroma: readonly Chroma[]) {
  const mean = new Float32Array(PITCH_CLASSES);
  for (const { treble, bass } of chroma)
    for (let p = 0; p < PITCH_CLASSES; p++) mean[p] += (1 - BASS_SHARE) * treble[p] + BASS_SHARE * bass[p];
  const highest = Math.max(...mean);
  const fromA = mean.map((_, i) => mean[(i + A) % PITCH_CLASSES] / highest);
  const vector = essentia().arrayToVector(fromA);
  try {
    return essentia().Key(vector, ...KEY_SETTINGS);
  } finally {
    vector.delete();
  }
}
