import { SAMPLE_RATE, type Song } from '../../src/pipeline/audio/song.ts';
import { lowBand } from '../../src/pipeline/mir/features/low-band.ts';
import { pitchSpectra } from '../../src/pipeline/mir/features/pitch-spectra.ts';
import { beatGrid } from '../../src/pipeline/mir/grid.ts';
import { chromaOf } from '../../src/pipeline/mir/harmony/chroma.ts';
import { estimateHarmony, type Harmony } from '../../src/pipeline/mir/harmony/harmony.ts';
import { noteSalience, type SoundingNotes } from '../../src/pipeline/mir/harmony/notes.ts';

/** The harmony of a song whose beats are known: one every `period` seconds from its start, four to a bar, and whose parts start where told. */
export function harmonyOf(song: Song, { period = 0.5, a4 = 440, partStarts = [0] } = {}): Harmony {
  const duration = song.frames / SAMPLE_RATE;
  const times = Array.from({ length: Math.ceil(duration / period) }, (_, i) => i * period);
  const grid = beatGrid(times, duration);
  return estimateHarmony({
    chroma: chromaOf(notesOf(song, grid.edges, a4)),
    grid,
    beats: times.map((time, i) => ({ time, position: (i % 4) + 1, confidence: 1 })),
    partStarts,
  });
}

/** The notes of a song between `edges` (seconds), at a tuning of `a4` Hz. */
export const notesOf = (song: Song, edges: readonly number[], a4: number): SoundingNotes =>
  noteSalience(pitchSpectra(lowBand(song), a4), edges);
