import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Sample rate of everything inside the pipeline, in Hz. */
export const SAMPLE_RATE = 44_100;
/** Channels of a decoded song. */
export const CHANNELS = 2;
/** Bytes of one frame (a float32 sample per channel) in a decoded file. */
export const FRAME_BYTES = CHANNELS * Float32Array.BYTES_PER_ELEMENT;

/** A stretch of stereo audio: left and right channel, equally long, float32, nominally within -1..1, at 44.1 kHz. */
export type StereoBlock = readonly [left: Float32Array, right: Float32Array];

/** A decoded song: stereo, 44.1 kHz, addressed in frames (one sample of each channel). */
export interface Song {
  /** Length in frames. */
  readonly frames: number;
  /**
   * Frames `start` to `start + count`, as two channels of `count` samples: new ones, or `into` where that is given.
   * What lies before the song's start or behind its end reads as zero.
   */
  read(start: number, count: number, into?: StereoBlock): StereoBlock;
}

/**
 * A song in a file of raw little-endian float32 samples: a decoded one with left and right interleaved, or of one channel,
 * which then reads as both. Whoever opens it closes it.
 */
export class SongFile implements Song, Disposable {
  readonly frames: number;
  readonly #fd: number;
  readonly #channels: number;
  #buffer = new Float32Array(0);

  constructor(path: string, channels: 1 | 2 = CHANNELS) {
    this.#fd = openSync(path, 'r');
    this.#channels = channels;
    this.frames = Math.floor(fstatSync(this.#fd).size / this.#frameBytes);
  }

  get #frameBytes(): number {
    return this.#channels * Float32Array.BYTES_PER_ELEMENT;
  }

  read(start: number, count: number, into: StereoBlock = blank(count)): StereoBlock {
    const [left, right] = into;
    const from = Math.max(0, start);
    const to = Math.min(this.frames, start + count);
    for (const samples of into) {
      samples.fill(0, 0, Math.max(0, from - start));
      samples.fill(0, Math.max(0, to - start));
    }
    if (to <= from) return into;
    const interleaved = this.#space((to - from) * this.#channels);
    const bytes = new Uint8Array(interleaved.buffer, 0, interleaved.byteLength);
    for (let done = 0; done < bytes.length; ) {
      const got = readSync(this.#fd, bytes, done, bytes.length - done, from * this.#frameBytes + done);
      if (got === 0) throw new Error(`The decoded song ended ${bytes.length - done} bytes early.`);
      done += got;
    }
    for (let i = 0, at = from - start; i < interleaved.length; i += this.#channels, at++) {
      left[at] = interleaved[i];
      right[at] = interleaved[i + this.#channels - 1];
    }
    return into;
  }

  /** Room for samples, used again by the next read. */
  #space(samples: number): Float32Array {
    if (this.#buffer.length < samples) this.#buffer = new Float32Array(samples);
    return this.#buffer.subarray(0, samples);
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

  read(start: number, count: number, into: StereoBlock = blank(count)): StereoBlock {
    copyFrom(this.#left, start, into[0]);
    copyFrom(this.#right, start, into[1]);
    return into;
  }
}

/** Two silent channels of `count` samples. */
export const blank = (count: number): StereoBlock => [new Float32Array(count), new Float32Array(count)];

function copyFrom(source: Float32Array, start: number, out: Float32Array): void {
  const from = Math.max(0, start);
  const to = Math.min(source.length, start + out.length);
  out.fill(0);
  if (to > from) out.set(source.subarray(from, to), from - start);
}
