import type { Key, KeySpan } from '../analysis.ts';
import { dot, mean, scaledTo } from '../vectors.ts';
import { mostLikely } from './chain.ts';
import { PITCH_NAMES } from './chord-vocabulary.ts';
import { type Chroma, PITCH_CLASSES } from './chroma.ts';

const MODES = ['major', 'minor'] as const;
/** Degrees of the scale, in semitones over the tonic. Minor counts its raised and its lowered seventh. */
const SCALES = {
  major: [0, 2, 4, 5, 7, 9, 11],
  minor: [0, 2, 3, 5, 7, 8, 10, 11],
} as const;

/**
 * How much of each degree a key lets one expect: the order of Krumhansl's profiles (tonic, fifth, third, scale), with
 * nothing outside of the scale, as profiles learned from popular music have it (Faraldo et al. 2016).
 */
const EXPECTED = { tonic: 1, fifth: 0.75, third: 0.5, scale: 0.35, raisedSeventh: 0.2 } as const;
/** Share of the bass in what is compared: it tells a tonic from its relative. */
const BASS_SHARE = 0.5;
/** Log units of a perfect correlation in one interval. */
const SHARPNESS = 3;
/** Log cost of a modulation: some eight bars of clearly another key, or a few of a distant one. */
const MODULATION_COST = 40;
/** Lowest mean correlation that makes a key. */
const LEAST_CORRELATION = 0.3;

/** All keys: the majors from C, then the minors. */
const KEYS = MODES.flatMap((mode) =>
  PITCH_NAMES.map((tonic, root) => ({ tonic, mode, profile: profileOf(root, mode) })),
);

/** Intervals' worth of evidence that a key's confidence assumes to be independent. */
const INDEPENDENT = 30;

/**
 * The song's keys, without gaps from first to last edge: each interval's chroma is correlated with the profiles of all
 * keys, and a hidden Markov model over the intervals finds the keys with few modulations. Empty where no key fits.
 */
export function decodeKeys(chroma: readonly Chroma[], edges: readonly number[]): KeySpan[] {
  const correlations = chroma.map((c) => {
    const mix = c.treble.map((v, p) => (1 - BASS_SHARE) * v + BASS_SHARE * c.bass[p]);
    const shape = unitDeviations(mix);
    return Float64Array.from(KEYS, ({ profile }) => dot(profile, shape));
  });
  const path = mostLikely({
    potentials: correlations.map((row) => row.map((v) => SHARPNESS * v)),
    changeCosts: chroma.map(() => MODULATION_COST),
  });
  if (!(mean(path.map((key, i) => correlations[i][key])) >= LEAST_CORRELATION)) return [];
  const starts = path.flatMap((key, i) => (i === 0 || key !== path[i - 1] ? [i] : []));
  return starts.map((from, n) => {
    const to = starts[n + 1] ?? path.length;
    const { tonic, mode } = KEYS[path[from]];
    const confidence = chanceOf(path[from], correlations.slice(from, to));
    return { start: edges[from], end: edges[to], tonic, mode, confidence };
  });
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

/** Probability of a key by the mean correlations alone, against all other keys. */
function chanceOf(key: number, correlations: readonly Float64Array[]): number {
  const means = KEYS.map((_, k) => mean(correlations.map((row) => row[k])));
  return 1 / means.reduce((sum, v) => sum + Math.exp(INDEPENDENT * (v - means[key])), 0);
}

/** Pitch classes of the key's scale, 0 for C. */
export function scaleOf({ tonic, mode }: Pick<Key, 'tonic' | 'mode'>): number[] {
  const root = PITCH_NAMES.indexOf(tonic as (typeof PITCH_NAMES)[number]);
  return SCALES[mode].map((degree) => (root + degree) % PITCH_CLASSES);
}

function profileOf(root: number, mode: (typeof MODES)[number]): Float32Array {
  const profile = new Float32Array(PITCH_CLASSES);
  for (const degree of SCALES[mode]) profile[(root + degree) % PITCH_CLASSES] = EXPECTED.scale;
  const expect = (degree: number, value: number) => {
    profile[(root + degree) % PITCH_CLASSES] = value;
  };
  expect(0, EXPECTED.tonic);
  expect(7, EXPECTED.fifth);
  expect(mode === 'major' ? 4 : 3, EXPECTED.third);
  if (mode === 'minor') expect(11, EXPECTED.raisedSeventh);
  return unitDeviations(profile);
}

/** Deviations from the mean, of unit length: their products are Pearson correlations. */
function unitDeviations(values: Float32Array): Float32Array {
  const centre = mean(values);
  return scaledTo(
    values.map((v) => v - centre),
    1,
  );
}
