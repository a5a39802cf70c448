import { LOWEST_NOTE, NOTES, type NoteSalience } from './notes.ts';

/** Pitch classes; 0 is C. */
export const PITCH_CLASSES = 12;
/** Share of the loudest pitch class from which another one counts as sounding. */
const SOUNDING_SHARE = 0.15;
/** Pitch classes that sound in a triad. */
const TRIAD = 3;

/** The twelve pitch classes in the treble and in the bass, each scaled to a maximum of 1 (all 0 where nothing sounds). */
export interface Chroma {
  readonly treble: Float32Array;
  readonly bass: Float32Array;
  /** Sum of the saliences: how much sounds at pitches at all. */
  readonly level: number;
}

/** Weight of a note in the treble and in the bass: both fade into each other around C3 (MIDI 48). */
const trebleWeight = (midi: number) => ramp(midi, 44, 54) * (1 - ramp(midi, 86, 100));
const bassWeight = (midi: number) => ramp(midi, 22, 28) * (1 - ramp(midi, 46, 56));

/** Folds note saliences into chroma. */
export function chromaOf(saliences: NoteSalience): Chroma[] {
  const treble = Float32Array.from({ length: NOTES }, (_, n) => trebleWeight(LOWEST_NOTE + n));
  const bass = Float32Array.from({ length: NOTES }, (_, n) => bassWeight(LOWEST_NOTE + n));
  return saliences.map((notes) => ({
    treble: fold(notes, treble),
    bass: fold(notes, bass),
    level: notes.reduce((a, b) => a + b, 0),
  }));
}

function fold(notes: Float32Array, weights: Float32Array): Float32Array {
  const chroma = new Float32Array(PITCH_CLASSES);
  for (let n = 0; n < NOTES; n++) chroma[(LOWEST_NOTE + n) % PITCH_CLASSES] += weights[n] * notes[n];
  const highest = chroma.reduce((a, b) => Math.max(a, b), 0);
  return highest > 0 ? chroma.map((v) => v / highest) : chroma;
}

function ramp(value: number, from: number, to: number): number {
  return Math.min(1, Math.max(0, (value - from) / (to - from)));
}

/** The song's chroma, louder intervals counting for more. */
export function meanChroma(chroma: readonly Chroma[]): Pick<Chroma, 'treble' | 'bass'> {
  const treble = new Float32Array(PITCH_CLASSES);
  const bass = new Float32Array(PITCH_CLASSES);
  for (const c of chroma) {
    const weight = Math.sqrt(c.level);
    for (let p = 0; p < PITCH_CLASSES; p++) {
      treble[p] += weight * c.treble[p];
      bass[p] += weight * c.bass[p];
    }
  }
  return { treble, bass };
}

/** Whether as many pitch classes sound in the song as harmony needs: a lone tone has neither chords nor a key. */
export function isHarmonic(chroma: readonly Chroma[]): boolean {
  const { treble } = meanChroma(chroma);
  const highest = Math.max(...treble);
  return highest > 0 && treble.filter((v) => v >= SOUNDING_SHARE * highest).length >= TRIAD;
}
