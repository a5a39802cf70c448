import type { Chord } from '../analysis.ts';
import { dot, mean, median, scaledTo } from '../vectors.ts';
import { type Chroma, PITCH_CLASSES } from './chroma.ts';

/** Names of the pitch classes from C, as the annotation spells them. */
export const PITCH_NAMES = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'] as const;

/** A kind of chord: semitones over the root, and the cost of how rare it is (log units). */
interface Quality {
  readonly name: string;
  readonly tones: readonly number[];
  readonly cost: number;
}
const QUALITIES: readonly Quality[] = [
  { name: 'maj', tones: [0, 4, 7], cost: 0 },
  { name: 'min', tones: [0, 3, 7], cost: 0 },
  { name: '7', tones: [0, 4, 7, 10], cost: 0.55 },
  { name: 'maj7', tones: [0, 4, 7, 11], cost: 0.55 },
  { name: 'min7', tones: [0, 3, 7, 10], cost: 0.45 },
  { name: 'dim', tones: [0, 3, 6], cost: 0.8 },
  { name: 'sus4', tones: [0, 5, 7], cost: 1 },
];
const NO_CHORD = 'N';

/** Sharpness of the likelihood: log units per unit of cosine similarity. */
const SHARPNESS = 14;
/** Share of the bass in the similarity. */
const BASS_SHARE = 0.35;
/** Weight of the seventh in a template, and of the third and fifth in the bass's. */
const SEVENTH_WEIGHT = 0.6;
const INVERSION_WEIGHT = 0.35;
/** Similarity that a chord must reach to be better than none. */
const NO_CHORD_SIMILARITY = 0.5;
/** Cost of a chord change within a beat, on a beat and on a downbeat (log units). */
export const CHANGE_COST = { off: 6, beat: 3, downbeat: 2 } as const;
/** Cost of a chord whose tones lie outside of the key, per tone. */
const FOREIGN_TONE_COST = 0.5;
/** Share of the song's median level under which nothing sounds that could be a chord. */
const SILENT_SHARE = 0.03;

export interface ChordInput {
  readonly chroma: readonly Chroma[];
  /** Seconds; interval i of the chroma lies between edges i and i + 1. */
  readonly edges: readonly number[];
  /** Cost of a change at the start of each interval. */
  readonly changeCosts: readonly number[];
  /** Pitch classes of the song's scale, or none. */
  readonly scale?: readonly number[];
}

/** The most likely chords by a hidden Markov model over the intervals (Viterbi); without gaps from first to last edge. */
export function estimateChords({ chroma, edges, changeCosts, scale }: ChordInput): Chord[] {
  const states = [
    { label: NO_CHORD, cost: 0 },
    ...Array.from({ length: PITCH_CLASSES }, (_, root) =>
      QUALITIES.map(({ name, tones, cost }) => ({
        label: `${PITCH_NAMES[root]}:${name}`,
        cost: cost + FOREIGN_TONE_COST * foreignTones(root, tones, scale),
      })),
    ).flat(),
  ];
  const templates = chordTemplates();
  const silent = SILENT_SHARE * (median(chroma.map(({ level }) => level)) ?? 0);
  const emissions = chroma.map((c) => {
    const none = c.level <= silent ? 1 : NO_CHORD_SIMILARITY;
    const treble = normalised(c.treble);
    const bass = normalised(c.bass);
    return states.map(({ cost }, s) => {
      if (s === 0) return SHARPNESS * none;
      const { treble: t, bass: b } = templates[s - 1];
      return SHARPNESS * ((1 - BASS_SHARE) * dot(treble, t) + BASS_SHARE * dot(bass, b)) - cost;
    });
  });
  const path = viterbi(emissions, changeCosts);
  const chords: { start: number; end: number; label: string; scores: number[] }[] = [];
  path.forEach((state, i) => {
    const { label } = states[state];
    const score = confidenceOf(emissions[i], state);
    const last = chords.at(-1);
    if (last?.label === label) {
      last.end = edges[i + 1];
      last.scores.push(score);
    } else chords.push({ start: edges[i], end: edges[i + 1], label, scores: [score] });
  });
  return chords.map(({ start, end, label, scores }) => ({
    start,
    end,
    label,
    confidence: mean(scores),
  }));
}

/** The chords of a song without harmony. */
export function noChords(duration: number): Chord[] {
  return duration > 0 ? [{ start: 0, end: duration, label: NO_CHORD, confidence: 1 }] : [];
}

function chordTemplates(): { treble: Float32Array; bass: Float32Array }[] {
  return Array.from({ length: PITCH_CLASSES }, (_, root) =>
    QUALITIES.map(({ tones }) => {
      const treble = new Float32Array(PITCH_CLASSES);
      const bass = new Float32Array(PITCH_CLASSES);
      tones.forEach((tone, i) => {
        treble[(root + tone) % PITCH_CLASSES] = i < 3 ? 1 : SEVENTH_WEIGHT;
        bass[(root + tone) % PITCH_CLASSES] = i === 0 ? 1 : i < 3 ? INVERSION_WEIGHT : 0;
      });
      return { treble: normalised(treble), bass: normalised(bass) };
    }),
  ).flat();
}

function foreignTones(root: number, tones: readonly number[], scale?: readonly number[]): number {
  return scale ? tones.filter((tone) => !scale.includes((root + tone) % PITCH_CLASSES)).length : 0;
}

function viterbi(emissions: readonly number[][], changeCosts: readonly number[]): number[] {
  if (emissions.length === 0) return [];
  let scores = emissions[0];
  const origins: Int16Array[] = [];
  for (let i = 1; i < emissions.length; i++) {
    const leader = scores.reduce((best, score, s) => (score > scores[best] ? s : best), 0);
    const entry = scores[leader] - changeCosts[i];
    const origin = new Int16Array(scores.length);
    const next = emissions[i].map((emission, s) => {
      origin[s] = scores[s] >= entry ? s : leader;
      return Math.max(scores[s], entry) + emission;
    });
    origins.push(origin);
    scores = next;
  }
  let state = scores.reduce((best, score, s) => (score > scores[best] ? s : best), 0);
  const path = [state];
  for (let i = origins.length - 1; i >= 0; i--) {
    state = origins[i][state];
    path.push(state);
  }
  return path.reverse();
}

/** Probability of the state by its likelihood alone, against all others. */
function confidenceOf(emission: readonly number[], state: number): number {
  const top = Math.max(...emission);
  const sum = emission.reduce((total, e) => total + Math.exp(e - top), 0);
  return Math.exp(emission[state] - top) / sum;
}

const normalised = (v: Float32Array) => scaledTo(v, 1);
