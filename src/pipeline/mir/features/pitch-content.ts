import { LOW_BAND_RATE } from './low-band.ts';
import { forEachSpectrum } from './spectra.ts';

/** Window of 186 ms: semitones are told apart from about C3 up, and a change is placed within a sixteenth. */
const SIZE = 2048;
const HOP = 512;
const RATE = LOW_BAND_RATE / HOP;
const PITCH_CLASSES = 12;
/** Twelve pitch classes of the treble, then twelve of the bass. */
const VALUES = 2 * PITCH_CLASSES;
/** Lowest bass note, highest bass note and highest treble note, as MIDI numbers: E1, B2, B6. */
const LOWEST = 28;
const SPLIT = 48;
const HIGHEST = 95;
/** A frame this far under the loudest one is silent, and has no harmony. */
const SILENT_SHARE = 1e-3;

/** Sums from the song's start of the harmony, so that the harmony of any stretch is a difference of two of them. */
export interface PitchContent {
  readonly frames: number;
  /** `frames + 1` rows of 24 values: treble and bass chroma of all frames before, each frame scaled to length 1. */
  readonly sums: Float64Array;
}

/** Which pitch classes sound, from plain spectra: good for hearing that the harmony changes, not for naming it. */
export function pitchContent(lowBand: Float32Array): PitchContent {
  const frames = Math.ceil(lowBand.length / HOP);
  const chroma = new Float32Array(frames * VALUES);
  const slots = slotOfBin();
  forEachSpectrum(lowBand, { size: SIZE, hop: HOP }, (t, magnitudes) => {
    const row = t * VALUES;
    for (let k = 0; k < slots.length; k++) if (slots[k] >= 0) chroma[row + slots[k]] += magnitudes[k];
  });
  const norms = [new Float32Array(frames), new Float32Array(frames)];
  for (let t = 0; t < frames; t++)
    for (let v = 0; v < VALUES; v++) norms[v < PITCH_CLASSES ? 0 : 1][t] += chroma[t * VALUES + v] ** 2;
  const least = norms.map((norm) => SILENT_SHARE ** 2 * norm.reduce((a, b) => Math.max(a, b), 0));
  const sums = new Float64Array((frames + 1) * VALUES);
  for (let t = 0; t < frames; t++) {
    for (let v = 0; v < VALUES; v++) {
      const part = v < PITCH_CLASSES ? 0 : 1;
      const norm = norms[part][t];
      sums[(t + 1) * VALUES + v] =
        sums[t * VALUES + v] + (norm > least[part] ? chroma[t * VALUES + v] / Math.sqrt(norm) : 0);
    }
  }
  return { frames, sums };
}

/** Slot of each bin of a spectrum, -1 where it has none. */
function slotOfBin(): Int8Array {
  return Int8Array.from({ length: SIZE / 2 + 1 }, (_, k) => {
    const note = Math.round(69 + 12 * Math.log2(Math.max(1e-9, (k * LOW_BAND_RATE) / SIZE / 440)));
    if (note < LOWEST || note > HIGHEST) return -1;
    return (note % PITCH_CLASSES) + (note < SPLIT ? PITCH_CLASSES : 0);
  });
}

/** The part of the harmony that is compared. */
export type Part = 'treble' | 'bass';

/**
 * How unlike the harmony `reach` seconds after `time` is to that before it: 1 minus their cosine similarity, 0..1; 0
 * where either is silent.
 */
export function harmonicChange(content: PitchContent, part: Part, time: number, reach: number): number {
  const clamp = (t: number) => Math.min(content.frames, Math.max(0, Math.round(t * RATE)));
  const [from, at, to] = [clamp(time - reach), clamp(time), clamp(time + reach)];
  const first = part === 'treble' ? 0 : PITCH_CLASSES;
  let [ab, aa, bb] = [0, 0, 0];
  for (let v = first; v < first + PITCH_CLASSES; v++) {
    const middle = content.sums[at * VALUES + v];
    const a = middle - content.sums[from * VALUES + v];
    const b = content.sums[to * VALUES + v] - middle;
    ab += a * b;
    aa += a * a;
    bb += b * b;
  }
  return aa > 0 && bb > 0 ? Math.max(0, 1 - ab / Math.sqrt(aa * bb)) : 0;
}
