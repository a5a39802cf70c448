/**
 * The music analysis: a song in, an `Analysis` out. Features are computed in two passes over the song, whatever its
 * length; every estimate is a pure function of them. The order follows what each needs: beats carry the chroma,
 * chroma and bars the sections, and all of these keys and chords.
 */
import { SAMPLE_RATE, type Song } from '../audio/song.ts';
import type { Analysis, Beat } from './analysis.ts';
import { withProbabilities } from './confidence.ts';
import { type PitchFeatures, pitchFeatures, type SoundFeatures, soundFeatures } from './features/features.ts';
import { findSections, oneSection } from './form/sections.ts';
import { beatGrid } from './grid.ts';
import { noChords } from './harmony/chords.ts';
import { chromaOf, isHarmonic } from './harmony/chroma.ts';
import { estimateHarmony } from './harmony/harmony.ts';
import { noteSalience } from './harmony/notes.ts';
import { findRhythm } from './rhythm/rhythm.ts';

/** Analyses a song. What it does not support (silence, noise, a single tone) comes out as null or empty. */
export function analyse(song: Song): Analysis {
  return interpret(song.frames / SAMPLE_RATE, { ...soundFeatures(song), ...pitchFeatures(song) });
}

/** What the features of a song of `duration` seconds mean. */
export function interpret(
  duration: number,
  { onsets, voice, content, tuning, pitches }: SoundFeatures & PitchFeatures,
): Analysis {
  const rhythm = findRhythm(onsets, content);
  const beats: Beat[] = (rhythm?.beats ?? []).map((beat) => ({
    ...beat,
    time: Math.min(duration, beat.time),
  }));
  const grid = beatGrid(
    beats.map(({ time }) => time),
    duration,
  );
  const notes = noteSalience(pitches, grid.edges);
  const chroma = chromaOf(notes);
  const sections = findSections({
    onsets,
    saliences: notes.saliences,
    chroma,
    grid,
    voice,
    beats,
    duration,
  });
  const { key, keys, chords } =
    tuning && isHarmonic(chroma)
      ? estimateHarmony({ chroma, grid, beats, partStarts: sections.map(({ start }) => start) })
      : { key: null, keys: [], chords: noChords(duration) };
  // What has neither beats nor a key is no music, and has neither parts nor chords.
  const isMusic = rhythm !== null || key !== null;
  return withProbabilities({
    duration,
    tempo: rhythm && { bpm: rhythm.bpm, confidence: rhythm.confidence.tempo },
    key,
    keys,
    tuning,
    beats,
    meter: rhythm && { ...rhythm.meter, confidence: rhythm.confidence.meter },
    sections: isMusic ? sections : oneSection(duration, 0),
    chords: isMusic ? chords : noChords(duration),
  });
}
