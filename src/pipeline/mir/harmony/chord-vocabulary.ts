import { PITCH_CLASSES } from './chroma.ts';

/** Names of the pitch classes from C, as the annotation spells them. */
export const PITCH_NAMES = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'] as const;
/** The label of no chord. */
export const NO_CHORD = 'N';

/** What a tone is to its chord. */
export type ToneRole = 'root' | 'third' | 'fifth' | 'suspension' | 'alteredFifth' | 'seventh';

interface Quality {
  /** Harte's shorthand. */
  readonly name: string;
  /** Semitones over the root, and what the tone is. */
  readonly tones: ReadonlyMap<number, ToneRole>;
  /** Semitones over the root that the bass may play. */
  readonly basses: readonly number[];
}

/** Qualities whose inversions are other chords of the same kind, or nearly: their lowest tone counts as the root. */
const ROOTLESS = ['sus4', 'sus2', 'aug', 'dim7'];

/** Third and fifth may lie in the bass; sevenths only where the quality has them. */
const QUALITIES: readonly Quality[] = [
  quality('maj', { third: 4, fifth: 7 }),
  quality('min', { third: 3, fifth: 7 }),
  quality('7', { third: 4, fifth: 7, seventh: 10 }),
  quality('maj7', { third: 4, fifth: 7, seventh: 11 }),
  quality('min7', { third: 3, fifth: 7, seventh: 10 }),
  quality('sus4', { suspension: 5, fifth: 7 }),
  quality('sus2', { suspension: 2, fifth: 7 }),
  quality('dim', { third: 3, alteredFifth: 6 }),
  quality('aug', { third: 4, alteredFifth: 8 }),
  quality('dim7', { third: 3, alteredFifth: 6, seventh: 9 }),
  quality('hdim7', { third: 3, alteredFifth: 6, seventh: 10 }),
];

/** Harte's names of the intervals that the bass can be above the root. */
const BASS_DEGREES: Readonly<Record<number, string>> = {
  3: 'b3',
  4: '3',
  6: 'b5',
  7: '5',
  10: 'b7',
  11: '7',
};

/** A chord with a bass note, relative to its root. */
export interface ChordShape {
  readonly quality: string;
  readonly tones: ReadonlyMap<number, ToneRole>;
  /** Semitones of the bass over the root. */
  readonly bass: number;
}

/** All qualities in all inversions. */
export const SHAPES: readonly ChordShape[] = QUALITIES.flatMap(({ name, tones, basses }) =>
  basses.map((bass) => ({ quality: name, tones, bass })),
);

/** A chord of the vocabulary; null is no chord. */
export type ChordState = { readonly root: number; readonly shape: ChordShape } | null;

/** No chord first, then every shape on C, on C#, … */
export const CHORD_STATES: readonly ChordState[] = [
  null,
  ...Array.from({ length: PITCH_CLASSES }, (_, root) => SHAPES.map((shape) => ({ root, shape }))).flat(),
];

/** Harte's label: `C:maj`, `A:min7/b3`, `N`. */
export function chordLabel(state: ChordState): string {
  if (state === null) return NO_CHORD;
  const { root, shape } = state;
  const bass = shape.bass === 0 ? '' : `/${BASS_DEGREES[shape.bass]}`;
  return `${PITCH_NAMES[root]}:${shape.quality}${bass}`;
}

function quality(name: string, degrees: Partial<Record<Exclude<ToneRole, 'root'>, number>>): Quality {
  const tones = new Map<number, ToneRole>([[0, 'root']]);
  for (const [role, semitones] of Object.entries(degrees)) tones.set(semitones, role as ToneRole);
  return { name, tones, basses: ROOTLESS.includes(name) ? [0] : [...tones.keys()] };
}
