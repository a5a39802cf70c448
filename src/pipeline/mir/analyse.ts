/**
 * The music analysis: a song in, an `Analysis` out. Features are computed in a few passes over the song, whatever its
 * length; every estimate is a pure function of them. The order follows what each needs: beats carry the chroma,
 * chroma and bars the sections, and all of these keys and chords.
 */
import { SAMPLE_RATE, type Song } from '../audio/song.ts';
import type { Analysis, Beat } from './analysis.ts';
import { withProbabilities } from './confidence.ts';
import { findSections } from './form/sections.ts';
import { voiceMovement } from './form/voice.ts';
import { beatGrid } from './grid.ts';
import { noChords } from './harmony/chords.ts';
import { chromaOf, isHarmonic } from './harmony/chroma.ts';
import { estimateHarmony } from './harmony/harmony.ts';
import { noteSalience } from './harmony/notes.ts';
import { estimateTuning } from './harmony/tuning.ts';
import { onsetFeatures } from './rhythm/onsets.ts';
import { pitchContent } from './rhythm/pitch-content.ts';
import { findRhythm } from './rhythm/rhythm.ts';

/** Frequency of A4 in Hz where the song tells none. */
const CONCERT_PITCH = 440;

/** Analyses a song. What it does not support (silence, noise, a single tone) comes out as null or empty. */
export function analyse(song: Song): Analysis {
  const duration = song.frames / SAMPLE_RATE;
  const onsets = onsetFeatures(song);
  const rhythm = findRhythm(onsets, pitchContent(song));
  const beats: Beat[] = (rhythm?.beats ?? []).map(({ time, position, strength }) => ({
    time: Math.min(duration, time),
    position,
    confidence: strength,
  }));
  const tuning = estimateTuning(song);
  const grid = beatGrid(
    beats.map(({ time }) => time),
    duration,
  );
  const notes = noteSalience(song, grid.edges, tuning?.frequency ?? CONCERT_PITCH);
  const chroma = chromaOf(notes);
  const sections = findSections({
    onsets,
    saliences: notes.saliences,
    chroma,
    grid,
    voice: voiceMovement(song),
    beats,
    duration,
  });
  const { key, keys, chords } =
    tuning && isHarmonic(chroma)
      ? estimateHarmony({ chroma, grid, beats, partStarts: sections.map(({ start }) => start) })
      : { key: null, keys: [], chords: noChords(duration) };
  return withProbabilities({
    duration,
    tempo: rhythm && { bpm: rhythm.bpm, confidence: rhythm.confidence.tempo },
    key,
    keys,
    tuning,
    beats,
    meter: rhythm && { ...rhythm.meter, confidence: rhythm.confidence.meter },
    sections,
    chords,
  });
}
