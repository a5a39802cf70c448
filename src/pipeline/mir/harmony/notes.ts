import { LOG_BINS } from '../features/log-spectrum.ts';
import { PITCH_RATE, type PitchSpectra } from '../features/pitch-spectra.ts';
import { mean } from '../vectors.ts';
import { noteSolver } from './note-dictionary.ts';

export { LOWEST_NOTE, NOTES } from '../features/log-spectrum.ts';

/** How strongly each note sounds in each interval: interval-major, `NOTES` values of at least 0 each, free of loudness. */
export type NoteSalience = readonly Float32Array[];

export interface SoundingNotes {
  readonly saliences: NoteSalience;
  /** Mean level of each interval: the sum of its magnitudes at pitches. */
  readonly levels: readonly number[];
}

/**
 * Note saliences between consecutive `edges` (seconds, ascending, at least two): the median of the whitened spectra over
 * each interval, which passes over drums and short ornaments, explained as a sum of notes.
 */
export function noteSalience({ spectra, levels, a4 }: PitchSpectra, edges: readonly number[]): SoundingNotes {
  const frames = levels.length;
  if (frames === 0) return { saliences: [], levels: [] };
  const solve = noteSolver(a4);
  // An interval without a frame of its own shares the one behind it.
  const firstFrom = (time: number) => Math.min(frames - 1, Math.ceil(time * PITCH_RATE));
  const ranges = edges.slice(1).map((end, i) => {
    const first = i === 0 ? 0 : firstFrom(edges[i]);
    return { first, last: i === edges.length - 2 ? frames : Math.max(first + 1, firstFrom(end)) };
  });
  return {
    saliences: ranges.map(({ first, last }) => solve(medianSpectrum(spectra, first, last))),
    levels: ranges.map(({ first, last }) => mean(levels.subarray(first, last))),
  };
}

/** Median of each bin over frames; the mean of the two middle values of an even number. */
function medianSpectrum(spectra: Float32Array, first: number, end: number): Float32Array {
  const values = new Float32Array(end - first);
  const low = (values.length - 1) >> 1;
  const high = values.length >> 1;
  return Float32Array.from({ length: LOG_BINS }, (_, b) => {
    for (let i = 0; i < values.length; i++) values[i] = spectra[(first + i) * LOG_BINS + b];
    values.sort();
    return (values[low] + values[high]) / 2;
  });
}
