import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Sample rate of everything inside the pipeline, in Hz. */
export const SAMPLE_RATE = 44_100;
/** Channels of a decoded song. */
export const CHANNELS = 2;
/** Bytes of one frame (a float32 sample per channel) in a decoded file. */
export const FRAME_BYTES = CHANNELS * Float32Array.BYTES_PER_ELEMENT;

/** A decoded song: stereo, 44.1 kHz, addressed in frames (one sample of each channel). */
export interface Song {
  /** Length in frames. */
  readonly frames: number;
  /**
   * Frames `start` to `start + count`, as two channels of `count` samples.
   * What lies before the song's start or behind its end reads as zero.
   */
  read(start: number, count: number): [left: Float32Array, right: Float32Array];
}

/**
 * A song in a file of raw little-endian float32 samples: a decoded one with left and right interleaved, or of one channel,
 * which then reads as both. Whoever opens it closes it.
 */
export class SongFile implements Song, Disposable {
  readonly frames: number;
  readonly #fd: number;
  readonly #channels: number;

  constructor(path: string, channels: 1 | 2 = CHANNELS) {
    this.#fd = openSync(path, 'r');
    this.#channels = channels;
    this.frames = Math.floor(fstatSync(this.#fd).size / this.#frameBytes);
  }

  get #frameBytes(): number {
    return this.#channels * Float32Array.BYTES_PER_ELEMENT;
  }

  read(start: number, count: number): [Float32Array, Float32Array] {
    const left = new Float32Array(count);
    const right = new Float32Array(count);
    const from = Math.max(0, start);
    const to = Math.min(this.frames, start + count);
    if (to <= from) return [left, right];
    const interleaved = new Float32Array((to - from) * this.#channels);
    const bytes = new Uint8Array(interleaved.buffer);
    for (let done = 0; done < bytes.length; ) {
      const got = readSync(this.#fd, bytes, done, bytes.length - done, from * this.#frameBytes + done);
      if (got === 0) throw new Error(`The decoded song ended ${bytes.length - done} bytes early.`);
      done += got;
    }
    for (let i = 0, at = from - start; i < interleaved.length; i += this.#channels, at++) {
      left[at] = interleaved[i];
      right[at] = interleaved[i + this.#channels - 1];
    }
    return [left, right];
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** A decoded song in memory, for tests and short signals. */
export class SongBuffer implements Song {
  readonly frames: number;

  readonly #left: Float32Array;
  readonly #right: Float32Array;

  constructor(left: Float32Array, right: Float32Array = left) {
    this.#left = left;
    this.#right = right;
    this.frames = left.length;
  }

  read(start: number, count: number): [Float32Array, Float32Array] {
    return [copyFrom(this.#left, start, count), copyFrom(this.#right, start, count)];
  }
}

function copyFrom(source: Float32Array, start: number, count: number): Float32Array {
  const out = new Float32Array(count);
  const from = Math.max(0, start);
  const to = Math.min(source.length, start + count);
  if (to > from) out.set(source.subarray(from, to), from - start);
  return out;
}
