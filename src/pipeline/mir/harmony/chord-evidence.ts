import { dot, median } from '../vectors.ts';
import { CHORD_STATES, QUALITIES, type Quality, type ToneRole } from './chord-vocabulary.ts';
import { type Chroma, PITCH_CLASSES } from './chroma.ts';

/*
 * The weights of a multinomial logistic model: how much each pitch class in the treble and in the bass speaks for a
 * chord, by what it is to the chord, the same for all roots. Fitted on rendered songs of many styles with their
 * chords known, regularised; in log units.
 */
const TREBLE_WEIGHTS: Readonly<Record<ToneRole | 'otherThird' | 'foreign', number>> = {
  root: 2,
  third: 1.8,
  fifth: 0.9,
  suspension: 1.2,
  alteredFifth: 2.1,
  seventh: 2,
  otherThird: -4.6,
  foreign: -2.7,
};
const BASS_WEIGHTS = { root: 5, tone: 0.8, foreign: -2.7 } as const;
/**
 * How frequent each quality is; less than fitted for the common ones, since the bias counts in every interval that a
 * chord lasts. Of dim, aug and their sevenths there were too few to fit: what is heard of a full chord outweighs these.
 */
const QUALITY_BIAS: Readonly<Record<string, number>> = {
  maj: 3.5,
  min: 2.8,
  '7': 1.9,
  maj7: 0.4,
  min7: 1.3,
  sus4: 0.5,
  sus2: 0.7,
  dim: 0.8,
  aug: 0.8,
  dim7: -0.2,
  hdim7: -0.4,
};
/** Lower than fitted, since the rendered songs have fewer noises than recordings: no chord needs silence, or noise alone. */
const NO_CHORD_BIAS = -2;

/** Least norm of the treble's chroma as a share of the bass's, and of the bass's as one of the treble's: a part that hardly sounds says little. */
const LEAST_SHARE = 0.5;
/** Share of the song's median level under which nothing sounds that could be a chord, and what that adds to no chord. */
const SILENT_SHARE = 0.03;
const SILENCE_BONUS = 12;

/** Log scores of all `CHORD_STATES` in each interval, by its chroma alone. */
export function chordEvidence(chroma: readonly Chroma[]): Float64Array[] {
  const silent = SILENT_SHARE * (median(chroma.map(({ level }) => level)) ?? 0);
  const qualities = QUALITIES.map((quality) => ({
    weights: weightsOf(quality),
    bias: QUALITY_BIAS[quality.name],
  }));
  return chroma.map((c) => {
    const features = featuresOf(c);
    const scores = new Float64Array(CHORD_STATES.length);
    scores[0] = NO_CHORD_BIAS + (c.level <= silent ? SILENCE_BONUS : 0);
    for (let root = 0, s = 1; root < PITCH_CLASSES; root++) {
      const fromRoot = rotated(features, root);
      for (const { weights, bias } of qualities) scores[s++] = dot(weights, fromRoot) + bias;
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

function weightsOf({ tones }: Quality): Float32Array {
  const isThird = (semitones: number) => semitones === 3 || semitones === 4;
  return Float32Array.from({ length: 2 * PITCH_CLASSES }, (_, i) => {
    const semitones = i % PITCH_CLASSES;
    const role = tones.get(semitones);
    if (i < PITCH_CLASSES) return TREBLE_WEIGHTS[role ?? (isThird(semitones) ? 'otherThird' : 'foreign')];
    return role === 'root' ? BASS_WEIGHTS.root : role ? BASS_WEIGHTS.tone : BASS_WEIGHTS.foreign;
  });
}
