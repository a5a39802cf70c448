/**
 * A small synthesizer of songs whose truth is known to the sample: drums, bass, chords and a lead, from a plan of
 * sections and chords. The demo song and the tests of the music analysis are made with it.
 */
import { PITCH_NAMES } from '../../src/pipeline/mir/harmony/chord-vocabulary.ts';
import { toTime } from '../../src/pipeline/round.ts';
import {
  crash,
  emptyTrack,
  hat,
  keys,
  kick,
  lead,
  noise,
  pad,
  pluckedBass,
  snare,
  type Track,
} from './instruments.ts';

const STEM_NAMES = ['vocals', 'drums', 'bass', 'other'] as const;
type StemName = (typeof STEM_NAMES)[number];

export type DrumStyle = 'none' | 'light' | 'plain' | 'driving';

export interface SectionPlan {
  readonly label: string;
  /** A chord per bar: `D:maj`, `B:min`, `A:7`. */
  readonly chords: readonly string[];
  /** None, hats and a kick, a plain beat, or a driving one; the last two start with a crash and end with a fill. */
  readonly drums: DrumStyle;
  readonly bass: boolean;
  readonly pad: boolean;
  /** Scale degrees of the lead per bar, evenly spaced; null rests. None: no lead. */
  readonly melody?: readonly (readonly (number | null)[])[];
}

export interface SongPlan {
  readonly bpm: number;
  readonly meter: 3 | 4;
  /** `D major`; the melody's degrees count from its tonic. */
  readonly key: string;
  readonly tuning: number;
  readonly sections: readonly SectionPlan[];
  /** Seconds before the first beat. */
  readonly leadIn: number;
}

/** What is true of a planned song, in the shape of a truth file. */
export interface Truth {
  readonly duration: number;
  readonly tempo_bpm: number;
  readonly meter: string;
  readonly key: string;
  readonly tuning_hz: number;
  readonly beats: { time: number; position: number }[];
  readonly chords: { start: number; end: number; label: string }[];
  readonly sections: { start: number; end: number; label: string }[];
}

export interface RenderedSong {
  readonly stems: Record<StemName, Track>;
  readonly mix: Track;
  readonly truth: Truth;
}

const TONES: Record<string, readonly number[]> = {
  maj: [0, 4, 7],
  min: [0, 3, 7],
  '7': [0, 4, 7, 10],
  maj7: [0, 4, 7, 11],
  min7: [0, 3, 7, 10],
};
const SCALES: Record<string, readonly number[]> = {
  major: [0, 2, 4, 5, 7, 9, 11],
  minor: [0, 2, 3, 5, 7, 8, 10],
};
/** Seconds that ring on after the last bar. */
const TAIL = 1;
/** Lowest note of the bass, E1, as a MIDI number. */
const LOWEST_BASS = 28;
/** Peak of the mix. */
const PEAK = 0.8;

/** Plays a plan. The same plan gives the same samples. */
export function renderSong(plan: SongPlan): RenderedSong {
  const beat = 60 / plan.bpm;
  const bar = plan.meter * beat;
  const bars = plan.sections.reduce((sum, { chords }) => sum + chords.length, 0);
  const duration = plan.leadIn + bars * bar + TAIL;
  const stems = Object.fromEntries(STEM_NAMES.map((name) => [name, emptyTrack(duration)])) as Record<
    StemName,
    Track
  >;
  const random = noise(7);
  let at = plan.leadIn;
  for (const section of plan.sections) {
    section.chords.forEach((chord, index) => {
      const last = index === section.chords.length - 1;
      playDrums(
        stems.drums,
        { at, beat, meter: plan.meter, style: section.drums, first: index === 0, last },
        random,
      );
      playHarmony(stems, section, chord, at, beat, plan);
      playMelody(stems.vocals, section.melody?.[index % section.melody.length] ?? [], at, bar, plan);
      at += bar;
    });
  }
  return { stems, mix: mixDown(stems, duration), truth: truthOf(plan, duration, beat, bar) };
}

interface DrumBar {
  readonly at: number;
  readonly beat: number;
  readonly meter: number;
  readonly style: DrumStyle;
  /** Whether this is the section's first or last bar. */
  readonly first: boolean;
  readonly last: boolean;
}

function playDrums(track: Track, { at, beat, meter, style, first, last }: DrumBar, random: () => number) {
  if (style === 'none') return;
  const band = style !== 'light';
  if (first && band) crash(track, at, random);
  for (let b = 0; b < meter; b++) {
    const time = at + b * beat;
    const backbeat = meter === 4 ? b % 2 === 1 : b > 0;
    hat(track, time, random);
    if (style === 'driving') hat(track, time + beat / 2, random, 0.8);
    if (style === 'driving' && b === meter - 2) kick(track, time + beat / 2, 0.7);
    if (!backbeat && (band || b === 0)) kick(track, time, b === 0 ? 1 : 0.85);
    if (backbeat && band) snare(track, time, random);
    if (last && band && b === meter - 1)
      for (const quarter of [1, 2, 3])
        snare(track, time + (quarter * beat) / 4, random, 0.4 + 0.15 * quarter);
  }
}

function playHarmony(
  stems: Record<StemName, Track>,
  section: SectionPlan,
  chord: string,
  at: number,
  beat: number,
  { meter, tuning }: SongPlan,
) {
  const { root, tones } = parseChord(chord);
  const hz = (midi: number) => tuning * 2 ** ((midi - 69) / 12);
  const bassNote = LOWEST_BASS + ((root - LOWEST_BASS + 36) % 12);
  if (section.bass)
    for (let b = 0; b < meter; b++)
      pluckedBass(stems.bass, at + b * beat, beat * 0.95, hz(bassNote), b === 0 ? 1 : 0.75);
  tones.forEach((tone, i) => {
    const note = nearest(root + tone, 60 + 2 * i);
    const pan = -0.4 + 0.4 * i;
    for (let b = 0; b < meter; b += 2)
      keys(stems.other, at + b * beat, Math.min(2, meter - b) * beat, hz(note), pan, b === 0 ? 1 : 0.7);
    if (section.pad) pad(stems.other, at, meter * beat, hz(note + (i === 0 ? 12 : 0)), 1.5);
  });
}

function playMelody(
  track: Track,
  degrees: readonly (number | null)[],
  at: number,
  bar: number,
  plan: SongPlan,
) {
  const [tonic, mode] = plan.key.split(' ');
  const step = bar / Math.max(1, degrees.length);
  degrees.forEach((degree, i) => {
    if (degree === null) return;
    const octave = Math.floor(degree / 7);
    const midi = nearest(pitchClassOf(tonic), 64) + 12 * octave + SCALES[mode][degree - 7 * octave];
    lead(track, at + i * step, step * 0.92, plan.tuning * 2 ** ((midi - 69) / 12));
  });
}

function parseChord(label: string): { root: number; tones: readonly number[] } {
  const [root, quality] = label.split(':');
  return { root: pitchClassOf(root), tones: TONES[quality] };
}

const pitchClassOf = (name: string) => PITCH_NAMES.indexOf(name as (typeof PITCH_NAMES)[number]);

/** The note of this pitch class nearest to `midi`. */
function nearest(pitchClass: number, midi: number): number {
  const distance = (((pitchClass - midi) % 12) + 18) % 12;
  return midi + distance - 6;
}

/** Adds the stems up and scales them and their sum to the peak. */
function mixDown(stems: Record<StemName, Track>, duration: number): Track {
  const mix = emptyTrack(duration);
  for (const side of ['left', 'right'] as const) {
    const sum = mix[side];
    for (const name of STEM_NAMES) {
      const stem = stems[name][side];
      for (let i = 0; i < sum.length; i++) sum[i] += stem[i];
    }
  }
  let peak = 0;
  for (const side of [mix.left, mix.right]) for (const v of side) if (Math.abs(v) > peak) peak = Math.abs(v);
  const gain = PEAK / peak;
  for (const track of [mix, ...Object.values(stems)])
    for (const side of [track.left, track.right]) for (let i = 0; i < side.length; i++) side[i] *= gain;
  return mix;
}

function truthOf(plan: SongPlan, duration: number, beat: number, bar: number): Truth {
  const { leadIn, meter, sections } = plan;
  const labels = sections.flatMap(({ chords }) => chords);
  let first = 0;
  return {
    duration: toTime(duration),
    tempo_bpm: plan.bpm,
    meter: `${meter}/4`,
    key: plan.key,
    tuning_hz: plan.tuning,
    beats: labels.flatMap((_, b) =>
      Array.from({ length: meter }, (_, i) => ({
        time: toTime(leadIn + b * bar + i * beat),
        position: i + 1,
      })),
    ),
    chords: labels.map((label, b) => ({
      start: toTime(leadIn + b * bar),
      end: toTime(leadIn + (b + 1) * bar),
      label,
    })),
    sections: sections.map(({ label, chords }, i) => {
      const start = i === 0 ? 0 : leadIn + first * bar;
      first += chords.length;
      return {
        start: toTime(start),
        end: toTime(i === sections.length - 1 ? duration : leadIn + first * bar),
        label,
      };
    }),
  };
}
