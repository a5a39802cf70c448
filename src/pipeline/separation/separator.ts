import type { Song, StereoBlock } from '../audio/song.ts';
import type { SeparatorInfo } from '../contracts.ts';

/** The separated audio of one stride: frames `start` to `start + length` of the song, for every stem in order. */
export interface SeparatedSegment {
  /** Position in the song, counted in strides from 0. */
  readonly index: number;
  /** First frame, `index * strideFrames`. */
  readonly start: number;
  /** Number of frames: `strideFrames`, less only for the song's last stride. */
  readonly length: number;
  /** The wanted stems by name, each channel `length` frames long. */
  readonly stems: Readonly<Record<string, StereoBlock>>;
}

/** A separator as a plan settles it: one pass of a model. */
export interface SeparatorChoice extends Pick<SeparatorInfo, 'model' | 'precision' | 'overlap' | 'weights'> {
  /** The stems of the pass; their complements may be among them. */
  readonly stems: readonly string[];
}

/** What a separator is told beside the song. */
export interface SeparationRange {
  /** The stems to give out. */
  readonly stems: readonly string[];
  /** First stride to give out (inclusive). */
  readonly first: number;
  /** Stride to stop before (exclusive). */
  readonly end: number;
  /** Ends the work between two segments by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Splits a song into stems, stride by stride.
 *
 * The audio of a stride is a pure function of the song and the stride's index: whichever range is asked for, in
 * whatever process, the samples are the same to the last bit. A separator reads from the song only the frames that a
 * stride needs, so its memory does not depend on the song's length.
 */
export interface Separator {
  /** Stems that it can give, in order. */
  readonly stems: readonly string[];
  /** Frames between the starts of two segments. */
  readonly strideFrames: number;
  separate(song: Song, range: SeparationRange): AsyncIterable<SeparatedSegment>;
  /** Frees sessions and buffers. */
  close(): Promise<void>;
}
