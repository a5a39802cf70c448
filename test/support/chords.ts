import { SAMPLE_RATE, SongBuffer } from '../../src/pipeline/audio/song.ts';
import { PITCH_NAMES } from '../../src/pipeline/mir/harmony/chord-vocabulary.ts';

/** Semitones over the root of each quality, and of each degree that a bass may play. */
const TONES: Record<string, readonly number[]> = {
  maj: [0, 4, 7],
  min: [0, 3, 7],
  '7': [0, 4, 7, 10],
  maj7: [0, 4, 7, 11],
  min7: [0, 3, 7, 10],
  sus4: [0, 5, 7],
  sus2: [0, 2, 7],
  dim: [0, 3, 6],
  aug: [0, 4, 8],
  dim7: [0, 3, 6, 9],
  hdim7: [0, 3, 6, 10],
};
const DEGREES: Record<string, number> = { b3: 3, '3': 4, b5: 6, '5': 7, b7: 10, '7': 11 };
export const QUALITY_NAMES = Object.keys(TONES);

/** Lowest notes of the bass and of the chord above it, as MIDI numbers. */
const LOWEST_BASS = 36;
const LOWEST_TREBLE = 60;

export interface PlayedChords {
  readonly song: SongBuffer;
  readonly truth: { readonly start: number; readonly end: number; readonly label: string }[];
}

/** Plays Harte labels one after the other, `seconds` each, a bass note under close chords; `N` is silence. */
export function playChords(
  labels: readonly string[],
  { seconds = 1, a4 = 440, gain = 1 }: { seconds?: number; a4?: number; gain?: number } = {},
): PlayedChords {
  const length = Math.round(seconds * SAMPLE_RATE);
  const samples = new Float32Array(labels.length * length);
  const played = new Map<number, Float32Array>();
  const noteOf = (midi: number) => {
    const note = played.get(midi) ?? struckString(a4 * 2 ** ((midi - 69) / 12), length);
    played.set(midi, note);
    return note;
  };
  labels.forEach((label, i) => {
    for (const midi of notesOf(label))
      noteOf(midi).forEach((v, t) => {
        samples[i * length + t] += gain * v;
      });
  });
  return {
    song: new SongBuffer(samples),
    truth: labels.map((label, i) => ({ start: i * seconds, end: (i + 1) * seconds, label })),
  };
}

/** The label moved up by some semitones. */
export function transposed(label: string, semitones: number): string {
  if (label === 'N') return label;
  const [root, rest] = label.split(':');
  const at = PITCH_NAMES.indexOf(root as (typeof PITCH_NAMES)[number]);
  return `${PITCH_NAMES[(at + semitones + 12) % 12]}:${rest}`;
}

function notesOf(label: string): number[] {
  if (label === 'N') return [];
  const [root, rest] = label.split(':');
  const [quality, degree] = rest.split('/');
  const pitchClass = PITCH_NAMES.indexOf(root as (typeof PITCH_NAMES)[number]);
  const above = (lowest: number, tone: number) => lowest + ((pitchClass + tone - lowest + 120) % 12);
  return [
    above(LOWEST_BASS, degree ? DEGREES[degree] : 0),
    ...TONES[quality].map((tone) => above(LOWEST_TREBLE, tone)),
  ];
}

function struckString(hz: number, length: number): Float32Array {
  const note = new Float32Array(length);
  for (let h = 1; h <= 6; h++) {
    const step = (2 * Math.PI * hz * h) / SAMPLE_RATE;
    for (let t = 0; t < length; t++)
      note[t] += (0.08 / h) * Math.exp((-(0.5 + 0.5 * h) * t) / SAMPLE_RATE) * Math.sin(step * t);
  }
  const fade = Math.round(0.02 * SAMPLE_RATE);
  for (let t = 0; t < fade; t++) note[length - 1 - t] *= t / fade;
  return note;
}
