import { Transform, type TransformCallback } from 'node:stream';
import { FRAME_BYTES } from './song.ts';

/** Samples beyond this (24 dB over full scale) come from damage: no recording has them, and one would drown a song. */
const LOUDEST = 16;

/**
 * Passes decoded sound on in whole frames, up to `maxFrames`. Samples that are no numbers or beyond all bounds become
 * zero, so that everything behind it can rely on finite ones.
 */
export class SampleGuard extends Transform {
  /** Frames that have passed. */
  frames = 0;
  /** Samples that were none. */
  replaced = 0;

  readonly #maxFrames: number;
  readonly #beyond: () => Error;
  #rest: Buffer = Buffer.alloc(0);

  /** `beyond`: the error that the stream ends with after `maxFrames`. */
  constructor(maxFrames: number, beyond: () => Error) {
    super();
    this.#maxFrames = maxFrames;
    this.#beyond = beyond;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const whole = bytes.length - (bytes.length % FRAME_BYTES);
    this.#rest = bytes.subarray(whole);
    this.frames += whole / FRAME_BYTES;
    if (this.frames > this.#maxFrames) done(this.#beyond());
    else done(null, this.#checked(bytes.subarray(0, whole)));
  }

  #checked(bytes: Buffer): Buffer {
    const aligned =
      bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0
        ? bytes
        : Buffer.from(Uint8Array.from(bytes).buffer);
    const samples = new Float32Array(
      aligned.buffer,
      aligned.byteOffset,
      aligned.length / Float32Array.BYTES_PER_ELEMENT,
    );
    for (let i = 0; i < samples.length; i++) {
      // Written so that NaN fails it.
      if (samples[i] <= LOUDEST && samples[i] >= -LOUDEST) continue;
      samples[i] = 0;
      this.replaced++;
    }
    return aligned;
  }
}
