import { dot, median } from '../vectors.ts';
import { CHORD_STATES, type ChordShape, SHAPES, type ToneRole } from './chord-vocabulary.ts';
import { type Chroma, PITCH_CLASSES } from './chroma.ts';

/*
 * The weights of a multinomial logistic model: how much each pitch class in the treble and in the bass speaks for a
 * chord, by what it is to the chord, the same for all roots. Fitted on rendered songs of many styles with their
 * chords known, regularised; in log units.
 */
const TREBLE_WEIGHTS: Readonly<Record<ToneRole | 'otherThird' | 'foreign', number>> = {
  root: 1.8,
  third: 2.1,
  fifth: 1.4,
  suspension: 1.3,
  alteredFifth: 1.6,
  seventh: 2.3,
  otherThird: -4.4,
  foreign: -2.6,
};
/** `bass` is the chord's bass note, `root` the root where another tone lies in the bass. */
const BASS_WEIGHTS = { bass: 5.1, root: 2.4, tone: 1.5, foreign: -3 } as const;
/** How frequent each quality is; a fifth less than fitted, since it counts in every interval that a chord lasts. */
const QUALITY_BIAS: Readonly<Record<string, number>> = {
  maj: 3.4,
  min: 2.9,
  '7': 1.2,
  maj7: -0.6,
  min7: 0.7,
  sus4: 0.7,
  sus2: 0.9,
  dim: -0.2,
  aug: 0.2,
  dim7: -0.1,
  hdim7: -1.1,
};
/** How frequent it is that a tone other than the root lies in the bass. */
const INVERSION_BIAS: Readonly<Partial<Record<ToneRole, number>>> = {
  third: -3,
  fifth: -3.5,
  alteredFifth: -3.5,
  seventh: -2.9,
};
const NO_CHORD_BIAS = -0.6;

/** Least norm of the treble's chroma as a share of the bass's, and of the bass's as one of the treble's: a part that hardly sounds says little. */
const LEAST_SHARE = 0.5;
/** Share of the song's median level under which nothing sounds that could be a chord, and what that adds to no chord. */
const SILENT_SHARE = 0.03;
const SILENCE_BONUS = 12;

/** Log scores of all `CHORD_STATES` in each interval, by its chroma alone. */
export function chordEvidence(chroma: readonly Chroma[]): Float64Array[] {
  const silent = SILENT_SHARE * (median(chroma.map(({ level }) => level)) ?? 0);
  const shapes = SHAPES.map((shape) => ({ weights: weightsOf(shape), bias: biasOf(shape) }));
  return chroma.map((c) => {
    const features = featuresOf(c);
    const scores = new Float64Array(CHORD_STATES.length);
    scores[0] = NO_CHORD_BIAS + (c.level <= silent ? SILENCE_BONUS : 0);
    for (let root = 0, s = 1; root < PITCH_CLASSES; root++) {
      const fromRoot = rotated(features, root);
      for (const { weights, bias } of shapes) scores[s++] = dot(weights, fromRoot) + bias;
    }
    return scores;
  });
}

/** Treble and bass, 12 values each: the roots of the saliences, of unit length unless one part hardly sounds. */
function featuresOf({ treble, bass, trebleSalience, bassSalience }: Chroma): Float32Array {
  const out = new Float32Array(2 * PITCH_CLASSES);
  out.set(treble.map((v) => Math.sqrt(v * trebleSalience)));
  out.set(
    bass.map((v) => Math.sqrt(v * bassSalience)),
    PITCH_CLASSES,
  );
  const parts = [out.subarray(0, PITCH_CLASSES), out.subarray(PITCH_CLASSES)];
  const norms = parts.map((part) => Math.sqrt(dot(part, part)));
  parts.forEach((part, i) => {
    const norm = Math.max(norms[i], LEAST_SHARE * norms[1 - i]);
    if (norm > 0) for (let p = 0; p < PITCH_CLASSES; p++) part[p] /= norm;
  });
  return out;
}

/** The features as seen from a root: index 0 of treble and bass is the root. */
function rotated(features: Float32Array, root: number): Float32Array {
  return features.map((_, i) => {
    const part = i < PITCH_CLASSES ? 0 : PITCH_CLASSES;
    return features[part + ((i + root) % PITCH_CLASSES)];
  });
}

function weightsOf({ tones, bass }: ChordShape): Float32Array {
  const isThird = (semitones: number) => semitones === 3 || semitones === 4;
  return Float32Array.from({ length: 2 * PITCH_CLASSES }, (_, i) => {
    const semitones = i % PITCH_CLASSES;
    const role = tones.get(semitones);
    if (i < PITCH_CLASSES) return TREBLE_WEIGHTS[role ?? (isThird(semitones) ? 'otherThird' : 'foreign')];
    if (semitones === bass) return BASS_WEIGHTS.bass;
    return role === 'root' ? BASS_WEIGHTS.root : role ? BASS_WEIGHTS.tone : BASS_WEIGHTS.foreign;
  });
}

function biasOf({ quality, tones, bass }: ChordShape): number {
  return QUALITY_BIAS[quality] + (INVERSION_BIAS[tones.get(bass) ?? 'root'] ?? 0);
}
