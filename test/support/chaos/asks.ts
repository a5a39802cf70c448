/** What a run is asked for. */
export interface Ask {
  readonly song: 'one' | 'other';
  /** The name of its blob, below the id's folder. */
  readonly blob: string;
  readonly stems?: readonly string[];
  readonly model?: string;
}

/** The first run of an id. */
export const FIRST: Ask = { song: 'one', blob: 'song.wav' };

/** Runs over its result: another song in its blob's place or in another blob, and the same song with other settings. */
export const SECOND: readonly Ask[] = [
  { song: 'other', blob: 'song.wav' },
  { ...FIRST, stems: ['vocals'] },
  { song: 'other', blob: 'other.wav', stems: ['drums', 'bass'] },
  { ...FIRST, model: 'htdemucs' },
];
