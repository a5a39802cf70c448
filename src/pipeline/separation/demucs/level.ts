import { blank, type Song } from '../../audio/song.ts';

/** Frames that are read at a time. */
const BLOCK = 1 << 16;
/** Keeps the division finite for a song of silence. */
const SILENCE = 1e-8;

/** Level of a whole song: mean and (unbiased) standard deviation of the mean of its channels. */
export interface Level {
  readonly mean: number;
  readonly deviation: number;
}

export function levelOf(song: Song): Level {
  let sum = 0;
  let squares = 0;
  const block = blank(BLOCK);
  for (let start = 0; start < song.frames; start += BLOCK) {
    const [left, right] = song.read(start, BLOCK, block);
    for (let i = 0; i < left.length; i++) {
      const x = (left[i] + right[i]) / 2;
      sum += x;
      squares += x * x;
    }
  }
  const mean = sum / song.frames;
  const variance = Math.max(0, squares - sum * mean) / Math.max(1, song.frames - 1);
  return { mean, deviation: Math.sqrt(variance) + SILENCE };
}
