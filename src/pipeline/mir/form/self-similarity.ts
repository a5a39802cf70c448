import { MEL_BANDS } from '../features/mel.ts';
import { ONSET_RATE, type OnsetFeatures } from '../features/onsets.ts';
import { VOICE_RATE } from '../features/voice.ts';
import type { Grid } from '../grid.ts';
import { type Chroma, PITCH_CLASSES } from '../harmony/chroma.ts';
import { NOTES, type NoteSalience } from '../harmony/notes.ts';
import { dot, mean, median, scaledTo } from '../vectors.ts';

/** Points within a bar whose harmony is compared, so that a sequence of chords counts, not their mixture. */
const POINTS = 4;
/** Positions within a bar whose onsets are compared. */
const PULSES = 16;
/** Share of the bass in the harmony's similarity. */
const BASS_SHARE = 0.4;
/** Mel bands of a cymbal: from about 5.5 kHz. */
const CYMBAL_BANDS = 12;
/** Bars on either side that a cymbal must stand out from. */
const ACCENT_REACH = 2;
/** Onset frames at a bar's start that its stroke itself fills; what rings comes after. */
const STROKE_FRAMES = 2;

/** Bars that a fill is compared with. */
const FILL_NEIGHBOURS = [-3, -2, -1, 1, 2];
/**
 * Mean difference of bars, as a share of their mean length as vectors, under which they are all the same: about half of what the
 * most uniform of real songs have. A click or a loop, measured against itself alone, would have parts.
 */
const UNIFORM = { notes: 0.25, timbre: 0.05, rhythm: 0.1 } as const;
/** Movement that no voice is needed for. */
const LEAST_MOVEMENT = 1e-3;

/** What bars are compared by. */
export interface BarFeatures {
  readonly onsets: OnsetFeatures;
  readonly saliences: NoteSalience;
  readonly chroma: readonly Chroma[];
  readonly grid: Grid;
  /** See `voiceListener`. */
  readonly voice: Float32Array;
}

/** How alike the bars of a song are: `bars` x `bars` values in 0..1 each, row-major. */
export interface SelfSimilarity {
  readonly bars: number;
  /** Chords and bass notes, in their order. */
  readonly harmony: Float32Array;
  /** The notes that sound, melody and accompaniment. */
  readonly notes: Float32Array;
  /** Instruments and loudness, by the spectrum. */
  readonly timbre: Float32Array;
  /** Drum patterns, by the onsets. */
  readonly rhythm: Float32Array;
  /** By how much each bar's first beat rings out over its neighbours' in the cymbals' range. */
  readonly accent: readonly number[];
  /** By how much the onsets before each bar are unlike those at the ends of other bars around: a fill. */
  readonly fill: readonly number[];
  /** Mean compressed level of each bar, at least 0. */
  readonly loudness: readonly number[];
  /** Mean movement of the voice in each bar, as a multiple of the song's. */
  readonly voice: readonly number[];
}

/** Compares all bars, given by their `edges` in seconds, with each other. */
export function selfSimilarity(edges: readonly number[], features: BarFeatures): SelfSimilarity {
  const { onsets, chroma, grid, saliences, voice } = features;
  const bars = Array.from(
    { length: edges.length - 1 },
    (_, b): Bar => ({ start: edges[b], end: edges[b + 1] }),
  );
  const spectra = bars.map((bar) => meanSpectrum(onsets, bar));
  const patterns = bars.map((bar) => onsetPattern(onsets, bar));
  return {
    bars: bars.length,
    harmony: pairwise(
      bars.map((bar) => harmonyOf(chroma, grid, bar)),
      dot,
    ),
    notes: byDistance(
      bars.map((bar) => notesOf(saliences, grid, bar)),
      UNIFORM.notes,
    ),
    timbre: byDistance(spectra, UNIFORM.timbre),
    rhythm: byDistance(patterns, UNIFORM.rhythm),
    fill: fills(patterns),
    accent: accents(onsets, bars),
    loudness: spectra.map(mean),
    voice: voiceIn(voice, bars),
  };
}

/** Seconds. */
interface Bar {
  readonly start: number;
  readonly end: number;
}

/** Treble and bass chroma at `POINTS` points of the bar, of unit length over the whole. */
function harmonyOf(chroma: readonly Chroma[], grid: Grid, { start, end }: Bar): Float32Array {
  const out = new Float32Array(2 * POINTS * PITCH_CLASSES);
  const half = POINTS * PITCH_CLASSES;
  for (let point = 0; point < POINTS; point++) {
    const from = start + ((end - start) * point) / POINTS;
    const to = start + ((end - start) * (point + 1)) / POINTS;
    for (const [i, share] of intervalsIn(grid, from, to)) {
      for (let p = 0; p < PITCH_CLASSES; p++) {
        out[point * PITCH_CLASSES + p] += share * chroma[i].treble[p];
        out[half + point * PITCH_CLASSES + p] += share * chroma[i].bass[p];
      }
    }
  }
  out.set(scaledTo(out.subarray(0, half), Math.sqrt(1 - BASS_SHARE)));
  out.set(scaledTo(out.subarray(half), Math.sqrt(BASS_SHARE)), half);
  return out;
}

/** Mean salience of each note over the bar, compressed by the square root. */
function notesOf(saliences: NoteSalience, grid: Grid, { start, end }: Bar): Float32Array {
  const out = new Float32Array(NOTES);
  for (const [i, share] of intervalsIn(grid, start, end))
    for (let n = 0; n < NOTES; n++) out[n] += (share * saliences[i][n]) / (end - start);
  return out.map(Math.sqrt);
}

/** The grid's intervals between two times, each with the seconds that it shares with them. */
function* intervalsIn(
  { edges }: Grid,
  from: number,
  to: number,
): Generator<[index: number, seconds: number]> {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (edges[middle] <= from) low = middle;
    else high = middle - 1;
  }
  for (let i = low; i < edges.length - 1 && edges[i] < to; i++)
    yield [i, Math.max(0, Math.min(to, edges[i + 1]) - Math.max(from, edges[i]))];
}

/** Mean of the compressed mel spectrogram over some seconds; zeros where there are none. */
export function meanSpectrum({ mel, frames }: OnsetFeatures, { start, end }: Bar): Float32Array {
  const out = new Float32Array(MEL_BANDS);
  const from = Math.min(frames, Math.round(start * ONSET_RATE));
  const to = Math.max(from, Math.min(frames, Math.round(end * ONSET_RATE)));
  for (let t = from; t < to; t++)
    for (let b = 0; b < MEL_BANDS; b++) out[b] += mel[t * MEL_BANDS + b] / (to - from);
  return out;
}

/** The highest low, middle and high onset around each of `PULSES` positions of the bar. */
function onsetPattern(
  { lowFlux, midFlux, highFlux, frames }: OnsetFeatures,
  { start, end }: Bar,
): Float32Array {
  const out = new Float32Array(3 * PULSES);
  const pulse = (end - start) / PULSES;
  for (let q = 0; q < PULSES; q++) {
    const from = Math.max(0, Math.round((start + (q - 0.3) * pulse) * ONSET_RATE));
    const to = Math.min(frames, Math.round((start + (q + 0.7) * pulse) * ONSET_RATE));
    [lowFlux, midFlux, highFlux].forEach((flux, zone) => {
      for (let t = from; t < to; t++) out[zone * PULSES + q] = Math.max(out[zone * PULSES + q], flux[t]);
    });
  }
  return out;
}

function accents({ mel, frames }: OnsetFeatures, bars: readonly Bar[]): number[] {
  const ringing = bars.map(({ start, end }) => {
    const from = Math.min(frames - 1, Math.ceil(start * ONSET_RATE) + STROKE_FRAMES);
    const to = Math.max(
      from + 1,
      Math.min(frames, Math.round((start + (end - start) / POINTS) * ONSET_RATE)),
    );
    let sum = 0;
    for (let t = from; t < to; t++)
      for (let b = MEL_BANDS - CYMBAL_BANDS; b < MEL_BANDS; b++) sum += mel[t * MEL_BANDS + b];
    return sum / (to - from) / CYMBAL_BANDS;
  });
  return ringing.map((level, b) => {
    const around = ringing.slice(Math.max(0, b - ACCENT_REACH), b + ACCENT_REACH + 1);
    return level - mean(around);
  });
}

/** How unlike its neighbours' the second half of each pattern is, which is where a fill comes: for the bar after it. */
function fills(patterns: readonly Float32Array[]): number[] {
  const halves = patterns.map((pattern) => pattern.filter((_, i) => i % PULSES >= PULSES / 2));
  const unlike = halves.map((half, b) => {
    const around = FILL_NEIGHBOURS.flatMap((offset) => halves[b + offset] ?? []);
    const distances = around.map((other) => distance(half, other)).sort((x, y) => x - y);
    return distances[1] ?? 0; // The nearest but one: a neighbour may have a fill as well.
  });
  return unlike.map((_, b) => {
    if (b === 0) return 0;
    const around = [b - 3, b - 2, b, b + 1].flatMap((i) => unlike[i] ?? []);
    return unlike[b - 1] - (median(around) ?? 0);
  });
}

/** Mean movement in each bar as a multiple of the song's. */
function voiceIn(voice: Float32Array, bars: readonly Bar[]): number[] {
  const means = bars.map(({ start, end }) =>
    mean(voice.subarray(Math.round(start * VOICE_RATE), Math.round(end * VOICE_RATE))),
  );
  const typical = mean(means) + LEAST_MOVEMENT;
  return means.map((value) => value / typical);
}

/** Similarity falling off exponentially with the distance, measured against the mean one, but against no less than `uniform`. */
function byDistance(rows: readonly Float32Array[], uniform: number): Float32Array {
  const distances = pairwise(rows, distance);
  const typical = Math.max(mean(distances), uniform * mean(rows.map((row) => Math.sqrt(dot(row, row)))));
  return distances.map((d) => (typical > 0 ? Math.exp(-d / typical) : 1));
}

function pairwise(
  rows: readonly Float32Array[],
  compare: (a: Float32Array, b: Float32Array) => number,
): Float32Array {
  const n = rows.length;
  const out = new Float32Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      const value = compare(rows[i], rows[j]);
      out[i * n + j] = value;
      out[j * n + i] = value;
    }
  return out;
}

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return Math.sqrt(sum);
}
