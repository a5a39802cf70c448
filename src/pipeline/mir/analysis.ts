/**
 * What the analysis of a song gives. Times are seconds from the song's start, confidences lie in 0..1.
 * An estimate is null where the audio does not support one (silence, noise, a single tone).
 */
export interface Analysis {
  /** Length of the song in seconds. */
  readonly duration: number;
  readonly tempo: Tempo | null;
  /** The key that the song is in for the longest time in all. */
  readonly key: Key | null;
  /** All keys in their order, without gaps or overlaps from 0 to `duration`; empty where the song has none. */
  readonly keys: readonly KeySpan[];
  readonly tuning: Tuning | null;
  readonly beats: readonly Beat[];
  /** Null without beats. */
  readonly meter: Meter | null;
  /** Without gaps or overlaps from 0 to `duration`. */
  readonly sections: readonly Section[];
  /** Without gaps or overlaps from 0 to `duration`. */
  readonly chords: readonly Chord[];
}

export interface Tempo {
  /** Beats per minute, fitted to the beat times. */
  readonly bpm: number;
  readonly confidence: number;
}

/** A time signature. In compound meters the beat is a dotted quarter: 6/8 has two beats, 12/8 four. */
export interface Meter {
  readonly beatsPerBar: number;
  /** The signature's upper and lower number: `count` notes of one `unit`th make a bar. */
  readonly count: number;
  readonly unit: 4 | 8;
  readonly confidence: number;
}

export interface Key {
  /** One of C, C#, D, Eb, E, F, F#, G, Ab, A, Bb, B. */
  readonly tonic: string;
  readonly mode: 'major' | 'minor';
  readonly confidence: number;
}

export interface KeySpan extends Key {
  readonly start: number;
  readonly end: number;
}

export interface Tuning {
  /** Frequency of A4 in Hz, 427..453. */
  readonly frequency: number;
  /** Deviation from 440 Hz in cents. */
  readonly cents: number;
  readonly confidence: number;
}

export interface Beat {
  readonly time: number;
  /** Position in the bar, 1 on the downbeat. */
  readonly position: number;
  readonly confidence: number;
}

export interface Section {
  readonly start: number;
  readonly end: number;
  /** intro, verse, chorus, bridge, outro, instrumental, solo or a letter. */
  readonly label: string;
  readonly confidence: number;
}

export interface Chord {
  readonly start: number;
  readonly end: number;
  /** Harte syntax: `C:maj`, `F#:min7/b3`, `N`. */
  readonly label: string;
  readonly confidence: number;
}
