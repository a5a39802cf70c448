/** Stems that carry a song's chords, whichever of them a model has; it must have the first two. */
export const CHORD_STEMS = ['bass', 'other', 'guitar', 'piano'] as const;
