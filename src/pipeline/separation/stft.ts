import { RealFft } from '../audio/fft.ts';

/** Sum of four squared Hann windows, a quarter of a frame apart. */
const WINDOW_SUM = 1.5;

/**
 * Short-time Fourier transform with a periodic Hann window on both ways (Griffin & Lim 1984), frames a quarter of their
 * length apart, one channel at a time.
 *
 * Spectra are frame-major, `2 * bins` values a frame, real and imaginary part interleaved.
 */
export class Stft {
  /** Samples per frame, a power of two. */
  readonly frameSize: number;
  /** Samples between frames: a quarter of the frame, so that squared windows overlap to a constant. */
  readonly hop: number;
  /** Frequency bins of a frame, Nyquist's included. */
  readonly bins: number;

  readonly #fft: RealFft;
  readonly #frame: Float32Array;
  readonly #window: Float32Array;
  /** The window over what the squares of all windows that meet in a sample sum up to. */
  readonly #synthesisWindow: Float32Array;

  constructor(frameSize: number) {
    this.frameSize = frameSize;
    this.hop = frameSize / 4;
    this.bins = frameSize / 2 + 1;
    this.#fft = new RealFft(frameSize);
    this.#frame = new Float32Array(frameSize);
    this.#window = Float32Array.from(
      { length: frameSize },
      (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / frameSize),
    );
    this.#synthesisWindow = this.#window.map((value) => value / WINDOW_SUM);
  }

  /** The spectrum (`2 * bins` values) of the frame that starts at sample `at`, which lies whole within `samples`. */
  analyseFrame(samples: Float32Array, at: number, spectrum: Float32Array): void {
    const frame = this.#frame;
    const window = this.#window;
    for (let i = 0; i < frame.length; i++) frame[i] = samples[at + i] * window[i];
    this.#fft.forward(frame, spectrum);
  }

  /** Spectra of the `frames` frames that start every `hop` samples from the start of `samples`. */
  analyse(samples: Float32Array, frames: number): Float32Array {
    const width = 2 * this.bins;
    const spectra = new Float32Array(frames * width);
    for (let t = 0; t < frames; t++)
      this.analyseFrame(samples, t * this.hop, spectra.subarray(t * width, (t + 1) * width));
    return spectra;
  }

  /** Adds the frame of `spectrum` (`2 * bins` values) onto `out` at sample `at`, which may lie before its start. */
  overlapAdd(spectrum: Float32Array, out: Float32Array, at: number): void {
    const frame = this.#frame;
    const window = this.#synthesisWindow;
    this.#fft.inverse(spectrum, frame);
    const from = Math.max(0, -at);
    const to = Math.min(this.frameSize, out.length - at);
    for (let i = from; i < to; i++) out[at + i] += frame[i] * window[i];
  }
}
