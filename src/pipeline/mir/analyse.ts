/**
 * The music analysis: a song in, an `Analysis` out. Features are computed in a few passes over the song, whatever its
 * length; every estimate is a pure function of them. The order follows what each needs: beats carry the harmony,
 * harmony and drums the bars, bars the sections.
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
import { findBars } from './rhythm/bars.ts';
import { downbeatEvidence } from './rhythm/downbeats.ts';
import { ONSET_RATE, onsetFeatures } from './rhythm/onsets.ts';
import { findPulse } from './rhythm/tempo.ts';

/** Frequency of A4 in Hz where the song tells none. */
const CONCERT_PITCH = 440;

/** Analyses a song. What it does not support (silence, noise, a single tone) comes out as null or empty. */
export function analyse(song: Song): Analysis {
  const duration = song.frames / SAMPLE_RATE;
  const onsets = onsetFeatures(song);
  const pulse = findPulse(onsets);
  const beatTimes = pulse ? pulse.beats.map((t) => Math.min(duration, Math.max(0, t / ONSET_RATE))) : [];
  const tuning = estimateTuning(song);
  const grid = beatGrid(beatTimes, duration);
  const notes = noteSalience(song, grid.edges, tuning?.frequency ?? CONCERT_PITCH);
  const chroma = chromaOf(notes);
  const bars = pulse ? findBars(downbeatEvidence(onsets, chroma, grid, pulse.beats)) : null;
  const beats: Beat[] = beatTimes.map((time, i) => ({
    time,
    position: bars?.positions[i] ?? 1,
    confidence: pulse?.strength[i] ?? 0,
  }));
  const { key, keys, chords } =
    tuning && isHarmonic(chroma)
      ? estimateHarmony({ chroma, grid, beats })
      : { key: null, keys: [], chords: noChords(duration) };
  return withProbabilities({
    duration,
    tempo: pulse?.tempo ?? null,
    key,
    keys,
    tuning,
    beats,
    meter: bars?.meter ?? null,
    sections: findSections({
      onsets,
      saliences: notes.saliences,
      chroma,
      grid,
      voice: voiceMovement(song),
      beats,
      duration,
    }),
    chords,
  });
}
