import type { Grid } from '../grid.ts';
import { type Chroma, PITCH_CLASSES } from '../harmony/chroma.ts';
import { dot, standardised } from '../vectors.ts';
import type { OnsetFeatures } from './onsets.ts';

/** Weights of the cues. A chord change says most; a bass note or kick drum says something; a snare drum speaks against. */
const CHANGE_WEIGHT = 1;
const LOW_WEIGHT = 0.6;
const SNARE_WEIGHT = 0.3;
/** Half-beat intervals on either side of a beat whose harmony is compared. */
const REACH = 2;
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
  const change = standardised(beats.map((_, b) => harmonicChange(chroma, intervalOf.get(b) ?? 0)));
  const low = peak(onsets.lowFlux);
  const high = peak(onsets.highFlux);
  return standardised(
    beats.map((_, b) => CHANGE_WEIGHT * change[b] + LOW_WEIGHT * low[b] - SNARE_WEIGHT * high[b]),
  );
}

/** Distance of the harmony after interval `at` begins from the one before, treble and bass. */
function harmonicChange(chroma: readonly Chroma[], at: number): number {
  if (at < 1 || at >= chroma.length) return 0;
  const before = chroma.slice(Math.max(0, at - REACH), at);
  const after = chroma.slice(at, at + REACH);
  const distance = (part: 'treble' | 'bass') => 1 - similarity(total(before, part), total(after, part));
  return distance('treble') + distance('bass');
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
