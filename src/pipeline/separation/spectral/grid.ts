import { SAMPLE_RATE } from '../../audio/song.ts';

/** Samples per frame: 93 ms, long enough to part the partials of a bass, short enough for a snare drum. */
export const FRAME_SIZE = 4096;
/** Samples between frames. */
export const HOP = FRAME_SIZE / 4;
/** Frequency bins of a frame. */
export const BINS = FRAME_SIZE / 2 + 1;
/** Hz between two bins. */
export const BIN_HZ = SAMPLE_RATE / FRAME_SIZE;

/** Hops per stride: 10 s. The longer, the less is spent on context, and the more memory is used. */
const STRIDE_HOPS = 430;
/** Frames of a stride. */
export const STRIDE_FRAMES = STRIDE_HOPS * HOP;
