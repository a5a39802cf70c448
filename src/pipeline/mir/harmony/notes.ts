import type { Song } from '../../audio/song.ts';
import { forEachSpectrum, frameTime } from '../spectra.ts';
import { LOG_BINS, logFrequencyMap, PITCH_SIZE, whitened } from './log-spectrum.ts';
import { noteSolver } from './note-dictionary.ts';

export { LOWEST_NOTE, NOTES } from './log-spectrum.ts';

/** Samples between two pitch frames. */
const PITCH_HOP = 2048;

/** How strongly each note sounds in each interval: interval-major, `NOTES` values of at least 0 each, free of loudness. */
export type NoteSalience = readonly Float32Array[];

export interface SoundingNotes {
  readonly saliences: NoteSalience;
  /** Mean level of each interval: the sum of its magnitudes at pitches. */
  readonly levels: readonly number[];
}

/**
 * Note saliences between consecutive `edges` (seconds, ascending, at least two): the whitened spectra over thirds of a
 * semitone above the tuning of `a4` Hz, their median over each interval, which passes over drums and short
 * ornaments, explained as a sum of notes.
 */
export function noteSalience(song: Song, edges: readonly number[], a4: number): SoundingNotes {
  const count = song.frames > 0 ? edges.length - 1 : 0;
  const toLog = logFrequencyMap(a4);
  const solve = noteSolver(a4);
  const saliences: Float32Array[] = [];
  const levels: number[] = [];
  let frames: Frame[] = [];
  const close = () => {
    saliences.push(solve(medianSpectrum(frames.map(({ spectrum }) => spectrum))));
    levels.push(frames.reduce((sum, { level }) => sum + level, 0) / frames.length);
  };
  forEachSpectrum(song, { size: PITCH_SIZE, hop: PITCH_HOP }, (t, magnitudes) => {
    const time = frameTime(t, PITCH_HOP);
    const frame = frameOf(toLog(magnitudes));
    while (saliences.length < count - 1 && time >= edges[saliences.length + 1]) {
      // An interval without a frame of its own shares the one behind it.
      if (frames.length === 0) frames = [frame];
      close();
      frames = [];
    }
    frames.push(frame);
  });
  while (saliences.length < count) close();
  return { saliences, levels };
}

interface Frame {
  readonly spectrum: Float32Array;
  readonly level: number;
}

const frameOf = (spectrum: Float32Array): Frame => ({
  spectrum: whitened(spectrum),
  level: spectrum.reduce((a, b) => a + b, 0),
});

/** Median of each bin; the mean of the two middle values of an even number. */
function medianSpectrum(spectra: readonly Float32Array[]): Float32Array {
  const values = new Float32Array(spectra.length);
  const low = (spectra.length - 1) >> 1;
  const high = spectra.length >> 1;
  return Float32Array.from({ length: LOG_BINS }, (_, b) => {
    for (let i = 0; i < spectra.length; i++) values[i] = spectra[i][b];
    values.sort();
    return (values[low] + values[high]) / 2;
  });
}
