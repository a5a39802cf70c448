import type { SongPlan } from '../../scripts/synth/song.ts';
import type { Song } from '../../src/pipeline/audio/song.ts';
import type { Beat, Section } from '../../src/pipeline/mir/analysis.ts';
import { soundFeatures } from '../../src/pipeline/mir/features/features.ts';
import { findSections } from '../../src/pipeline/mir/form/sections.ts';
import { beatGrid } from '../../src/pipeline/mir/grid.ts';
import { chromaOf } from '../../src/pipeline/mir/harmony/chroma.ts';
import { notesOf } from './harmony.ts';
import { song } from './songs.ts';

/** What the form is read from, for a song whose beats are known. */
export function formFeatures(audio: Song, beats: readonly Beat[], duration: number) {
  const grid = beatGrid(
    beats.map(({ time }) => time),
    duration,
  );
  const notes = notesOf(audio, grid.edges, 440);
  return {
    ...soundFeatures(audio),
    chroma: chromaOf(notes),
    saliences: notes.saliences,
    grid,
    beats,
    duration,
  };
}

/** The sections of a planned song, found with its true beats, and those that it was planned with. */
export function sectionsOf(plan: Partial<SongPlan>): { found: Section[]; truth: readonly Section[] } {
  const { song: audio, truth } = song(plan);
  const beats = truth.beats.map((beat) => ({ ...beat, confidence: 1 }));
  return {
    found: findSections(formFeatures(audio, beats, truth.duration)),
    truth: truth.sections.map((section) => ({ ...section, confidence: 1 })),
  };
}
