import type { Song } from '../audio/song.ts';
import type { Analysis, Chord } from './analysis.ts';
import { withProbability } from './confidence.ts';
import { lowBand } from './features/low-band.ts';
import { pitchSpectra } from './features/pitch-spectra.ts';
import { beatGrid } from './grid.ts';
import { chordEvidence } from './harmony/chord-evidence.ts';
import { chromaOf, isHarmonic } from './harmony/chroma.ts';
import { estimateChords } from './harmony/harmony.ts';
import { noteSalience } from './harmony/notes.ts';

/**
 * The chords of an analysed song, read from its accompaniment alone, where the melody adds no tones to them and drums no
 * noise; beats, keys and tuning are the analysis's. Null where the song has no key or the accompaniment no harmony.
 */
export function chordsOfStems(
  accompaniment: Song,
  { duration, tuning, keys, beats }: Pick<Analysis, 'duration' | 'tuning' | 'keys' | 'beats'>,
): Chord[] | null {
  if (!tuning || keys.length === 0) return null;
  const grid = beatGrid(
    beats.map(({ time }) => time),
    duration,
  );
  const pitches = pitchSpectra(lowBand(accompaniment), tuning.frequency);
  const chroma = chromaOf(noteSalience(pitches, grid.edges));
  if (!isHarmonic(chroma)) return null;
  const evidence = chordEvidence(chroma);
  return estimateChords({ chroma, evidence, grid, beats, keys }).map((chord) =>
    withProbability('chord', chord),
  );
}
