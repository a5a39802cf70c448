import type { Grid } from '../grid.ts';
import { type Chroma, PITCH_CLASSES } from '../harmony/chroma.ts';
import { MEL_BANDS, ONSET_RATE, type OnsetFeatures } from '../rhythm/onsets.ts';

/** Points within a bar whose harmony is compared, so that a sequence of chords counts, not their mixture. */
const POINTS = 4;
/** Share of the bass in the harmony's similarity. */
const BASS_SHARE = 0.4;

/** How alike the bars of a song are, `bars` x `bars` values in 0..1, row-major; and how loud each is. */
export interface SelfSimilarity {
  readonly bars: number;
  readonly harmony: Float32Array;
  readonly timbre: Float32Array;
  /** Mean compressed level of each bar, at least 0. */
  readonly loudness: readonly number[];
}

/** Compares all bars, given by their `edges` in seconds, with each other. */
export function selfSimilarity(
  edges: readonly number[],
  { onsets, chroma, grid }: { onsets: OnsetFeatures; chroma: readonly Chroma[]; grid: Grid },
): SelfSimilarity {
  const bars = edges.length - 1;
  const harmonies = Array.from({ length: bars }, (_, b) => harmonyOf(chroma, grid, edges[b], edges[b + 1]));
  const spectra = Array.from({ length: bars }, (_, b) => meanSpectrum(onsets, edges[b], edges[b + 1]));
  const timbres = standardisedColumns(spectra);
  const spread = meanDistance(timbres);
  return {
    bars,
    harmony: pairwise(harmonies, dot),
    timbre: pairwise(timbres, (a, b) => (spread > 0 ? Math.exp(-squaredDistance(a, b) / spread) : 1)),
    loudness: spectra.map((spectrum) => spectrum.reduce((a, b) => a + b, 0) / MEL_BANDS),
  };
}

/** Treble and bass chroma at `POINTS` points of the bar, each of unit length over the whole. */
function harmonyOf(chroma: readonly Chroma[], grid: Grid, start: number, end: number): Float32Array {
  const out = new Float32Array(2 * POINTS * PITCH_CLASSES);
  for (let point = 0; point < POINTS; point++) {
    const from = start + ((end - start) * point) / POINTS;
    const to = start + ((end - start) * (point + 1)) / POINTS;
    for (let i = firstAt(grid.edges, from); i < chroma.length && grid.edges[i] < to; i++) {
      const share = Math.min(to, grid.edges[i + 1]) - Math.max(from, grid.edges[i]);
      for (let p = 0; p < PITCH_CLASSES; p++) {
        out[point * PITCH_CLASSES + p] += share * chroma[i].treble[p];
        out[(POINTS + point) * PITCH_CLASSES + p] += share * chroma[i].bass[p];
      }
    }
  }
  const half = POINTS * PITCH_CLASSES;
  scale(out.subarray(0, half), Math.sqrt(1 - BASS_SHARE));
  scale(out.subarray(half), Math.sqrt(BASS_SHARE));
  return out;
}

/** The last index whose edge is not after `time`. */
function firstAt(edges: readonly number[], time: number): number {
  let low = 0;
  let high = edges.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (edges[middle] <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

function meanSpectrum({ mel, frames }: OnsetFeatures, start: number, end: number): Float32Array {
  const out = new Float32Array(MEL_BANDS);
  const from = Math.min(frames, Math.round(start * ONSET_RATE));
  const to = Math.max(from, Math.min(frames, Math.round(end * ONSET_RATE)));
  for (let t = from; t < to; t++)
    for (let b = 0; b < MEL_BANDS; b++) out[b] += mel[t * MEL_BANDS + b] / (to - from);
  return out;
}

function standardisedColumns(rows: readonly Float32Array[]): Float32Array[] {
  const out = rows.map((row) => row.slice());
  // Bands share one scale: a band that hardly moves says little.
  let variance = 0;
  for (let c = 0; c < MEL_BANDS; c++) {
    const mean = rows.reduce((sum, row) => sum + row[c], 0) / Math.max(1, rows.length);
    for (const row of out) {
      row[c] -= mean;
      variance += row[c] ** 2;
    }
  }
  const deviation = Math.sqrt(variance / Math.max(1, rows.length));
  return deviation > 1e-6 ? out.map((row) => row.map((v) => v / deviation)) : out;
}

function meanDistance(rows: readonly Float32Array[]): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < rows.length; i++)
    for (let j = 0; j < i; j++) {
      sum += squaredDistance(rows[i], rows[j]);
      count++;
    }
  return count > 0 ? sum / count : 0;
}

function pairwise(
  rows: readonly Float32Array[],
  compare: (a: Float32Array, b: Float32Array) => number,
): Float32Array {
  const n = rows.length;
  const out = new Float32Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) out[i * n + j] = out[j * n + i] = compare(rows[i], rows[j]);
  return out;
}

function scale(v: Float32Array, length: number): void {
  const norm = Math.hypot(...v);
  if (norm > 0) for (let i = 0; i < v.length; i++) v[i] *= length / norm;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}
