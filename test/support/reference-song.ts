import { SongBuffer } from '../../src/pipeline/audio/song.ts';

/**
 * Noise that swells and fades over a square wave and an offset, to the last bit as `song` in
 * models/reference/make_fixtures.py makes it: by whole numbers up to a last scaling that is exact.
 */
export function referenceSong(frames: number, mono = false): SongBuffer {
  const left = new Float32Array(frames);
  const right = new Float32Array(frames);
  const noise = noiseSource();
  for (let i = 0; i < frames; i++) {
    const [first, second] = [noise(), noise()];
    const square = Math.floor((i * 880) / 44_100) % 2 ? 2 ** 12 : -(2 ** 12);
    const middle = first * (Math.abs((i % 30_011) - 15_000) + 400) + square * 2 ** 13 + 2 ** 24;
    const side = mono ? 0 : second * Math.floor(Math.abs((i % 70_001) - 35_000) / 4);
    left[i] = (middle + side) / 2 ** 30;
    right[i] = (middle - side) / 2 ** 30;
  }
  return new SongBuffer(left, right);
}

/** Draws whole numbers of 16 bits, -32768..32767 (Numerical Recipes' "quick and dirty" generator, 7.1). */
export function noiseSource(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 16) - 2 ** 15;
  };
}
