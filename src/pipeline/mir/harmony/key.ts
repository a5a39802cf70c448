import type { Key, KeySpan } from '../analysis.ts';
import { dot, mean } from '../vectors.ts';
import { mostLikelyByPairs } from './chain.ts';
import { PITCH_NAMES } from './chord-vocabulary.ts';
import { type Chroma, PITCH_CLASSES } from './chroma.ts';
import { type FormInput, tonicCues } from './tonic.ts';

const MODES = ['major', 'minor'] as const;
type Mode = (typeof MODES)[number];
const THIRD = { major: 4, minor: 3 } as const;
/** Degrees of the scale, in semitones over the tonic. Minor counts its raised and its lowered seventh. */
const SCALES: Readonly<Record<Mode, readonly number[]>> = {
  major: [0, 2, 4, 5, 7, 9, 11],
  minor: [0, 2, 3, 5, 7, 8, 10, 11],
};

/** Degrees whose triads and bass notes carry a key beside its tonic: subdominant, dominant and submediant. */
const PRIMARY: Readonly<Record<Mode, readonly number[]>> = { major: [5, 7, 9], minor: [5, 7, 8] };
/** The seventh that the scale has not got, or only now and then: lowered in major, raised in minor. */
const OTHER_SEVENTH = { major: 10, minor: 11 } as const;

/*
 * The weights of a multinomial logistic model of a song's mean chroma, the same for all tonics and for both modes:
 * what each degree in the treble and in the bass says for a key, in log units. The bass tells a tonic from its
 * relative. Fitted on rendered songs of many styles with their keys known, regularised, and rounded.
 */
const TREBLE_WEIGHTS = { triad: 8, scale: 1, otherSeventh: -4, foreign: -5 } as const;
const BASS_WEIGHTS = { tonic: 6.7, primary: 1.9, third: -2, scale: -1.3, foreign: -5 } as const;

/**
 * Log costs of a modulation where every interval's chroma counts in full: some twelve bars of a neighbouring key. One
 * that keeps the mode, as when the last chorus is lifted, or the scale, to the relative key, is cheaper than others.
 */
const MODULATION_COST = { near: 350, far: 600 } as const;
/** Seconds of a key that tell all that its chroma can tell; in less, other keys may only not have been heard yet. */
const TELLING_SECONDS = 8;
/** Least probability of the main key: below, the song is in no key. */
const LEAST_CONFIDENCE = 0.15;

/** All keys: the majors from C, then the minors, with the weights of all pitch classes in treble and bass. */
const KEYS = MODES.flatMap((mode) =>
  PITCH_NAMES.map((tonic, root) => ({
    tonic,
    mode,
    treble: weightsOf(root, (degree) => trebleWeight(degree, mode)),
    bass: weightsOf(root, (degree) => bassWeight(degree, mode)),
  })),
);

/** Log cost of going to each key from each other one. */
const MODULATION_COSTS = KEYS.map((to, k) =>
  Float64Array.from(KEYS, (from, f) => {
    if (k === f) return 0;
    const near = to.mode === from.mode || relativeOf(k) === f;
    return near ? MODULATION_COST.near : MODULATION_COST.far;
  }),
);

/**
 * The song's keys, without gaps from first to last edge: each interval's chroma and the song's form speak for and
 * against each key, and a hidden Markov model over the intervals finds the keys with few modulations. Empty where no
 * key fits. A key's confidence is its probability by the mean of its time, against all other keys.
 */
export function decodeKeys(chroma: readonly Chroma[], form: FormInput): KeySpan[] {
  const { edges } = form;
  const cues = tonicCues(form);
  const scores = chroma.map(({ treble, bass }, i) =>
    Float64Array.from(KEYS, (key, k) => dot(key.treble, treble) + dot(key.bass, bass) + cues[i][k]),
  );
  const path = mostLikelyByPairs(scores, MODULATION_COSTS);
  const starts = path.flatMap((key, i) => (i === 0 || key !== path[i - 1] ? [i] : []));
  const spans = starts.map((from, n) => {
    const to = starts[n + 1] ?? path.length;
    const { tonic, mode } = KEYS[path[from]];
    const share = Math.min(1, (edges[to] - edges[from]) / TELLING_SECONDS);
    const confidence = chanceOf(path[from], scores.slice(from, to), share);
    return { start: edges[from], end: edges[to], tonic, mode, confidence };
  });
  return (mainKey(spans)?.confidence ?? 0) >= LEAST_CONFIDENCE ? spans : [];
}

/** The key that the song is in for the longest time in all; null where there are none. */
export function mainKey(spans: readonly KeySpan[]): Key | null {
  const length = ({ start, end }: KeySpan) => end - start;
  const candidates = spans.map(({ tonic, mode }) => {
    const same = spans.filter((other) => other.tonic === tonic && other.mode === mode);
    const seconds = same.reduce((sum, span) => sum + length(span), 0);
    const confidence = same.reduce((sum, span) => sum + span.confidence * length(span), 0) / seconds;
    return { seconds, key: { tonic, mode, confidence } };
  });
  return candidates.sort((a, b) => b.seconds - a.seconds)[0]?.key ?? null;
}

/** Probability of a key by such a `share` of the mean scores. */
function chanceOf(key: number, scores: readonly Float64Array[], share: number): number {
  const means = KEYS.map((_, k) => mean(scores.map((row) => row[k])));
  return 1 / means.reduce((sum, v) => sum + Math.exp(share * (v - means[key])), 0);
}

/** Pitch classes of the key's scale, 0 for C. */
export function scaleOf({ tonic, mode }: Pick<Key, 'tonic' | 'mode'>): number[] {
  const root = PITCH_NAMES.indexOf(tonic as (typeof PITCH_NAMES)[number]);
  return SCALES[mode].map((degree) => (root + degree) % PITCH_CLASSES);
}

function trebleWeight(degree: number, mode: Mode): number {
  if (degree === 0 || degree === 7 || degree === THIRD[mode]) return TREBLE_WEIGHTS.triad;
  if (degree === OTHER_SEVENTH[mode]) return TREBLE_WEIGHTS.otherSeventh;
  return SCALES[mode].includes(degree) ? TREBLE_WEIGHTS.scale : TREBLE_WEIGHTS.foreign;
}

function bassWeight(degree: number, mode: Mode): number {
  if (degree === 0) return BASS_WEIGHTS.tonic;
  if (degree === THIRD[mode]) return BASS_WEIGHTS.third;
  if (PRIMARY[mode].includes(degree)) return BASS_WEIGHTS.primary;
  return SCALES[mode].includes(degree) || degree === OTHER_SEVENTH[mode]
    ? BASS_WEIGHTS.scale
    : BASS_WEIGHTS.foreign;
}

/** The key with the same scale and the other mode, by its place in `KEYS`. */
function relativeOf(key: number): number {
  const isMajor = key < PITCH_CLASSES;
  return isMajor ? PITCH_CLASSES + ((key + 9) % PITCH_CLASSES) : (key + 3) % PITCH_CLASSES;
}

/** A weight for every pitch class, by its degree over the root. */
function weightsOf(root: number, weightOf: (degree: number) => number): Float32Array {
  return Float32Array.from({ length: PITCH_CLASSES }, (_, p) =>
    weightOf((p - root + PITCH_CLASSES) % PITCH_CLASSES),
  );
}
