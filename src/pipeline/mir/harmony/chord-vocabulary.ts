import { PITCH_CLASSES } from './chroma.ts';

/** Names of the pitch classes from C, as the annotation spells them. */
export const PITCH_NAMES = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'] as const;
/** The label of no chord. */
export const NO_CHORD = 'N';

/** What a tone is to its chord. */
export type ToneRole = 'root' | 'third' | 'fifth' | 'suspension' | 'alteredFifth' | 'seventh';

/** A kind of chord. */
export interface Quality {
  /** Harte's shorthand. */
  readonly name: string;
  /** Semitones over the root, and what the tone is. */
  readonly tones: ReadonlyMap<number, ToneRole>;
  /** Whether another tone than the root may lie in the bass: not where that would make it another chord of its kind. */
  readonly invertible: boolean;
}

export const QUALITIES: readonly Quality[] = [
  quality('maj', { third: 4, fifth: 7 }),
  quality('min', { third: 3, fifth: 7 }),
  quality('7', { third: 4, fifth: 7, seventh: 10 }),
  quality('maj7', { third: 4, fifth: 7, seventh: 11 }),
  quality('min7', { third: 3, fifth: 7, seventh: 10 }),
  quality('sus4', { suspension: 5, fifth: 7 }, false),
  quality('sus2', { suspension: 2, fifth: 7 }, false),
  quality('dim', { third: 3, alteredFifth: 6 }),
  quality('aug', { third: 4, alteredFifth: 8 }, false),
  quality('dim7', { third: 3, alteredFifth: 6, seventh: 9 }, false),
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

/** A chord of the vocabulary; null is no chord. */
export type ChordState = { readonly root: number; readonly quality: Quality } | null;

/** No chord first, then every quality on C, on C#, … */
export const CHORD_STATES: readonly ChordState[] = [
  null,
  ...Array.from({ length: PITCH_CLASSES }, (_, root) =>
    QUALITIES.map((quality) => ({ root, quality })),
  ).flat(),
];

/** Harte's label, the bass given in semitones over the root: `C:maj`, `A:min7/b3`, `N`. */
export function chordLabel(state: ChordState, bass = 0): string {
  if (state === null) return NO_CHORD;
  const { root, quality } = state;
  return `${PITCH_NAMES[root]}:${quality.name}${bass === 0 ? '' : `/${BASS_DEGREES[bass]}`}`;
}

function quality(
  name: string,
  degrees: Partial<Record<Exclude<ToneRole, 'root'>, number>>,
  invertible = true,
): Quality {
  const tones = new Map<number, ToneRole>([[0, 'root']]);
  for (const [role, semitones] of Object.entries(degrees)) tones.set(semitones, role as ToneRole);
  return { name, tones, invertible };
}
