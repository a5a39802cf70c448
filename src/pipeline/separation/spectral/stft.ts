import { RealFft } from '../../audio/fft.ts';
import { SAMPLE_RATE } from '../../audio/song.ts';

/** Samples per frame: 93 ms, long enough to part the partials of a bass, short enough for a snare drum. */
export const FRAME_SIZE = 4096;
/** Samples between frames. A quarter of the frame, so that squared Hann windows overlap to a constant. */
export const HOP = FRAME_SIZE / 4;
/** Frequency bins of a frame. */
export const BINS = FRAME_SIZE / 2 + 1;
/** Hz between two bins. */
export const BIN_HZ = SAMPLE_RATE / FRAME_SIZE;

/** Sum of four squared Hann windows, a quarter of a frame apart. */
const WINDOW_SUM = 1.5;

/**
 * Short-time Fourier transform with a Hann window on both ways (Griffin & Lim 1984), one channel at a time.
 *
 * Spectra are frame-major, `2 * BINS` values a frame, real and imaginary part interleaved.
 */
export class Stft {
  readonly #fft = new RealFft(FRAME_SIZE);
  readonly #frame = new Float32Array(FRAME_SIZE);
  readonly #window = Float32Array.from(
    { length: FRAME_SIZE },
    (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FRAME_SIZE),
  );

  /** Spectra of the `frames` frames that start every `HOP` samples from the start of `samples`. */
  analyse(samples: Float32Array, frames: number): Float32Array {
    const spectra = new Float32Array(frames * 2 * BINS);
    for (let t = 0; t < frames; t++) {
      for (let i = 0; i < FRAME_SIZE; i++) this.#frame[i] = samples[t * HOP + i] * this.#window[i];
      this.#fft.forward(this.#frame, spectra.subarray(t * 2 * BINS, (t + 1) * 2 * BINS));
    }
    return spectra;
  }

  /** Adds the frame of `spectrum` (`2 * BINS` values) onto `out` at sample `at`, which may lie before its start. */
  overlapAdd(spectrum: Float32Array, out: Float32Array, at: number): void {
    this.#fft.inverse(spectrum, this.#frame);
    const from = Math.max(0, -at);
    const to = Math.min(FRAME_SIZE, out.length - at);
    for (let i = from; i < to; i++) out[at + i] += (this.#frame[i] * this.#window[i]) / WINDOW_SUM;
  }
}
