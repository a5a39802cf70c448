import type { Grid } from '../grid.ts';
import { type Chroma, PITCH_CLASSES } from '../harmony/chroma.ts';
import { dot, standardised } from '../vectors.ts';
import type { OnsetFeatures } from './onsets.ts';

/** Weights of the cues, each standardised over the song: a chord change says most, a kick drum or bass note comes next. */
const WEIGHTS = { chord: 1, longChord: 0.5, bass: 0.5, low: 0.7, snare: -0.15 } as const;
/** Half-beat intervals on either side of a beat whose harmony is compared: a beat, and two. */
const REACH = 2;
const LONG_REACH = 4;
/** Frames around a beat in which its onset peaks. */
const AROUND = 2;

/** How much each beat sounds like the first of a bar, standardised: mean 0 and deviation 1 over the song. */
export function downbeatEvidence(
  onsets: OnsetFeatures,
  chroma: readonly Chroma[],
  grid: Grid,
  beats: readonly number[],
): number[] {
  const peak = (flux: Float32Array) =>
    standardised(
      beats.map((t) => {
        const at = Math.round(t);
        return Math.max(0, ...flux.subarray(Math.max(0, at - AROUND), at + AROUND + 1));
      }),
    );
  const intervalOf = new Map(grid.beatOf.flatMap((beat, i) => (beat === null ? [] : [[beat, i]])));
  const change = (part: 'treble' | 'bass', reach: number) =>
    standardised(beats.map((_, b) => harmonicChange(chroma, intervalOf.get(b) ?? 0, part, reach)));
  const cues: [number, number[]][] = [
    [WEIGHTS.chord, change('treble', REACH)],
    [WEIGHTS.longChord, change('treble', LONG_REACH)],
    [WEIGHTS.bass, change('bass', REACH)],
    [WEIGHTS.low, peak(onsets.lowFlux)],
    [WEIGHTS.snare, peak(onsets.highFlux)],
  ];
  return standardised(
    beats.map((_, b) => cues.reduce((sum, [weight, values]) => sum + weight * values[b], 0)),
  );
}

/** Distance of the harmony after interval `at` begins from the one before, 0..1. */
function harmonicChange(
  chroma: readonly Chroma[],
  at: number,
  part: 'treble' | 'bass',
  reach: number,
): number {
  if (at < 1 || at >= chroma.length) return 0;
  const before = total(chroma.slice(Math.max(0, at - reach), at), part);
  return 1 - similarity(before, total(chroma.slice(at, at + reach), part));
}

function total(chroma: readonly Chroma[], part: 'treble' | 'bass'): Float64Array {
  const sum = new Float64Array(PITCH_CLASSES);
  for (const c of chroma) for (let p = 0; p < PITCH_CLASSES; p++) sum[p] += c[part][p];
  return sum;
}

/** Cosine similarity; 1 where both are empty, 0 where one is. */
function similarity(a: Float64Array, b: Float64Array): number {
  const [aa, bb] = [dot(a, a), dot(b, b)];
  if (aa === 0 && bb === 0) return 1;
  return aa > 0 && bb > 0 ? dot(a, b) / Math.sqrt(aa * bb) : 0;
}
