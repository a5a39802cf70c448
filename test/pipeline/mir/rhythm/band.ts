import {
  emptyTrack,
  hat,
  keys,
  kick,
  noise,
  pluckedBass,
  snare,
  type Track,
} from '../../../../scripts/synth/instruments.ts';
import type { Song } from '../../../../src/pipeline/audio/song.ts';
import { SongBuffer } from '../../../../src/pipeline/audio/song.ts';
import { pitchFeatures, soundFeatures } from '../../../../src/pipeline/mir/features/features.ts';
import { findRhythm } from '../../../../src/pipeline/mir/rhythm/rhythm.ts';

/** Drums of a bar: a character per step, `x` a stroke, `o` a soft one; every line as long as the bar. */
export interface Pattern {
  readonly kick?: string;
  readonly snare?: string;
  readonly hat?: string;
  readonly beatsPerBar: number;
}

export interface Groove {
  readonly pattern: Pattern;
  readonly bars: number;
  /** Beats per minute, at a beat counted from the start. */
  readonly bpm: (beat: number) => number;
  /** Where the middle of each beat falls, as a fraction of it: 1/2 is straight, 2/3 swings. */
  readonly swing?: number;
  /** Whether a bass and an electric piano play a chord per bar. */
  readonly chords?: boolean;
}

export interface PlayedGroove {
  readonly song: Song;
  readonly beats: { time: number; position: number }[];
}

const LEAD_IN = 0.4;
const TAIL = 0.5;
const LEVELS: Record<string, number> = { x: 1, o: 0.5 };

/** C, A, F and G, as MIDI numbers, under major triads. */
const ROOTS = [60, 57, 53, 55];
const TRIAD = [0, 4, 7];
const hertz = (midi: number) => 440 * 2 ** ((midi - 69) / 12);

/** Plays a groove on the synthesizer. */
export function play({ pattern, bars, bpm, swing = 0.5, chords = false }: Groove): PlayedGroove {
  const starts = [LEAD_IN];
  const count = bars * pattern.beatsPerBar;
  for (let beat = 0; beat < count; beat++) starts.push(starts[beat] + 60 / bpm(beat));
  const track = emptyTrack(starts[count] + TAIL);
  const random = noise(3);
  const strike = {
    kick: (at: number, level: number) => kick(track, at, level),
    snare: (at: number, level: number) => snare(track, at, random, level),
    hat: (at: number, level: number) => hat(track, at, random, level),
  };
  for (const drum of ['kick', 'snare', 'hat'] as const) {
    const line = pattern[drum] ?? '';
    for (let bar = 0; bar < bars; bar++) {
      for (let step = 0; step < line.length; step++) {
        const level = LEVELS[line[step]];
        if (!level) continue;
        const at = (bar + step / line.length) * pattern.beatsPerBar;
        const beat = Math.floor(at + 1e-9);
        const swung = warp(at - beat, swing);
        strike[drum](starts[beat] + swung * (starts[beat + 1] - starts[beat]), level);
      }
    }
  }
  for (let bar = 0; chords && bar < bars; bar++) {
    const [start, end] = [bar, bar + 1].map((b) => starts[b * pattern.beatsPerBar]);
    const root = ROOTS[bar % ROOTS.length];
    pluckedBass(track, start, end - start, hertz(root - 24));
    for (const third of TRIAD) keys(track, start, end - start, hertz(root + third), 0);
  }
  return {
    song: toSong(track),
    beats: starts.slice(0, count).map((time, i) => ({ time, position: 1 + (i % pattern.beatsPerBar) })),
  };
}

const warp = (fraction: number, swing: number) =>
  fraction < 0.5 ? 2 * fraction * swing : swing + (2 * fraction - 1) * (1 - swing);

export const toSong = ({ left, right }: Track) => new SongBuffer(left, right);

/** The rhythm of a song by itself. */
export const rhythmOf = (song: Song) => findRhythm(soundFeatures(song).onsets, pitchFeatures(song).content);

export const times = (beats: readonly { time: number; position: number }[], position?: number) =>
  beats.filter((beat) => position === undefined || beat.position === position).map(({ time }) => time);
