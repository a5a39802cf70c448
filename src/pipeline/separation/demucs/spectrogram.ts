import { Stft } from '../stft.ts';

/**
 * Spectra of a segment as the network takes and gives them: planes of real and imaginary parts, `[bins, spectra]`, scaled
 * by `1 / sqrt(nfft)`, without Nyquist's bin. A segment of `ceil(length / hop)` hops has as many spectra: it is continued by
 * reflection at both ends.
 */
export class Spectrogram {
  readonly bins: number;
  readonly spectra: number;

  readonly #stft: Stft;
  readonly #length: number;
  readonly #pad: number;
  readonly #scale: number;
  readonly #padded: Float32Array;
  readonly #frame: Float32Array;

  /** @param nfft samples of a spectrum's window, a power of two. @param length samples of a segment, at least `nfft`. */
  constructor(nfft: number, length: number) {
    this.#stft = new Stft(nfft);
    const { hop } = this.#stft;
    this.bins = nfft / 2;
    this.spectra = Math.ceil(length / hop);
    this.#length = length;
    this.#pad = (3 * hop) / 2;
    this.#scale = 1 / Math.sqrt(nfft);
    this.#padded = new Float32Array((this.spectra + 3) * hop);
    this.#frame = new Float32Array(2 * this.#stft.bins);
  }

  /** Fills the planes `real` and `imaginary` (`bins * spectra` values each) from `samples`. */
  analyse(samples: Float32Array, real: Float32Array, imaginary: Float32Array): void {
    const { spectra, bins } = this;
    const frame = this.#frame;
    const scale = this.#scale;
    this.#reflect(samples);
    for (let t = 0; t < spectra; t++) {
      this.#stft.analyseFrame(this.#padded, t * this.#stft.hop, frame);
      for (let k = 0, at = t; k < bins; k++, at += spectra) {
        real[at] = frame[2 * k] * scale;
        imaginary[at] = frame[2 * k + 1] * scale;
      }
    }
  }

  /** Adds the samples that the planes `real` and `imaginary` stand for onto `out`. */
  synthesise(real: Float32Array, imaginary: Float32Array, out: Float32Array): void {
    const { spectra, bins } = this;
    const scale = 1 / this.#scale;
    const frame = this.#frame.fill(0);
    for (let t = 0; t < spectra; t++) {
      for (let k = 0, at = t; k < bins; k++, at += spectra) {
        frame[2 * k] = real[at] * scale;
        frame[2 * k + 1] = imaginary[at] * scale;
      }
      this.#stft.overlapAdd(frame, out, t * this.#stft.hop - this.#pad);
    }
  }

  #reflect(samples: Float32Array): void {
    const pad = this.#pad;
    const length = this.#length;
    this.#padded.set(samples, pad);
    for (let i = 1; i <= pad; i++) this.#padded[pad - i] = samples[i];
    for (let i = pad + length; i < this.#padded.length; i++)
      this.#padded[i] = samples[2 * length - 2 - (i - pad)];
  }
}
