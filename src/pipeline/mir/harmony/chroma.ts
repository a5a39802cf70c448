import { LOWEST_NOTE, NOTES, type NoteSalience, type SoundingNotes } from './notes.ts';

/** Pitch classes; 0 is C. */
export const PITCH_CLASSES = 12;
/** Share of the loudest pitch class from which another one counts as sounding. */
const SOUNDING_SHARE = 0.25;
/** Intervals (about a second) below which a sound is over before a pitch frame could tell its notes apart. */
const LEAST_INTERVALS = 4;
/** Pitch classes that sound in a triad. */
const TRIAD = 3;

/** The twelve pitch classes in the treble and in the bass, each scaled to a maximum of 1 (all 0 where nothing sounds). */
export interface Chroma {
  readonly treble: Float32Array;
  readonly bass: Float32Array;
  /** What the highest of each was before scaling. */
  readonly trebleSalience: number;
  readonly bassSalience: number;
  /** How loud the interval is. */
  readonly level: number;
}

/**
 * Weight of a note in the treble, most at C4 (MIDI 60) where chords lie rather than overtones and melodies, and in the
 * bass, the more the lower it lies.
 */
const trebleWeight = (midi: number) => ramp(midi, 48, 60) * (1 - ramp(midi, 60, 84));
const bassWeight = (midi: number) => ramp(midi, 22, 28) * (1 - ramp(midi, 36, 60));

/** Folds the notes of a song into chroma. */
export function chromaOf(notes: SoundingNotes): Chroma[] {
  const weights = (weightOf: (midi: number) => number) =>
    Float32Array.from({ length: NOTES }, (_, n) => weightOf(LOWEST_NOTE + n));
  const trebles = folded(notes.saliences, weights(trebleWeight));
  const basses = folded(notes.saliences, weights(bassWeight));
  return trebles.map(({ chroma: treble, highest: trebleSalience }, i) => {
    const { chroma: bass, highest: bassSalience } = basses[i];
    return { treble, bass, trebleSalience, bassSalience, level: notes.levels[i] };
  });
}

function folded(saliences: NoteSalience, weights: Float32Array): { chroma: Float32Array; highest: number }[] {
  return saliences.map((notes) => {
    const chroma = new Float32Array(PITCH_CLASSES);
    for (let n = 0; n < NOTES; n++) chroma[(LOWEST_NOTE + n) % PITCH_CLASSES] += weights[n] * notes[n];
    const highest = chroma.reduce((a, b) => Math.max(a, b), 0);
    return { chroma: highest > 0 ? chroma.map((v) => v / highest) : chroma, highest };
  });
}

function ramp(value: number, from: number, to: number): number {
  return Math.min(1, Math.max(0, (value - from) / (to - from)));
}

/** Whether as many pitch classes sound in the song as harmony needs: a lone tone has neither chords nor a key. */
export function isHarmonic(chroma: readonly Chroma[]): boolean {
  if (chroma.length < LEAST_INTERVALS) return false;
  const total = new Float32Array(PITCH_CLASSES);
  for (const { treble, bass, trebleSalience, bassSalience, level } of chroma) {
    const salience = treble.map((v, p) => trebleSalience * v + bassSalience * bass[p]);
    const highest = Math.max(...salience);
    if (highest > 0)
      for (let p = 0; p < PITCH_CLASSES; p++) total[p] += (Math.sqrt(level) * salience[p]) / highest;
  }
  const highest = Math.max(...total);
  return highest > 0 && total.filter((v) => v >= SOUNDING_SHARE * highest).length >= TRIAD;
}
