import FFT from 'fft.js';

/**
 * Fourier transform of real signals of one power-of-two length, at least 4.
 *
 * The signal is packed into a complex transform of half its length and the two halves of its spectrum are told apart
 * by symmetry (Press et al., Numerical Recipes, 12.3). Spectra are `size / 2 + 1` bins, real and imaginary part
 * interleaved, unscaled forward; `inverse` divides by the size, so that it undoes `forward`.
 */
export class RealFft {
  readonly size: number;
  /** Bins of a spectrum, `size / 2 + 1`. */
  readonly bins: number;

  readonly #half: FFT;
  readonly #packed: Float64Array;
  readonly #transformed: Float64Array;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;

  constructor(size: number) {
    if (size < 4 || !Number.isInteger(Math.log2(size))) {
      throw new RangeError(`A transform's size must be a power of two of at least 4, got ${size}.`);
    }
    this.size = size;
    this.bins = size / 2 + 1;
    this.#half = new FFT(size / 2);
    this.#packed = new Float64Array(size);
    this.#transformed = new Float64Array(size);
    this.#cos = Float64Array.from({ length: this.bins }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.#sin = Float64Array.from({ length: this.bins }, (_, k) => Math.sin((2 * Math.PI * k) / size));
  }

  /** `input`: `size` samples; `out`: `2 * bins` values, overwritten. */
  forward(input: Float32Array, out: Float32Array): void {
    const { size } = this;
    const half = size / 2;
    const z = this.#transformed;
    this.#packed.set(input.length === size ? input : input.subarray(0, size));
    this.#half.transform(z, this.#packed);
    for (let k = 0; k <= half; k++) {
      const a = k === half ? 0 : 2 * k;
      const b = k === 0 ? 0 : 2 * (half - k);
      const evenRe = 0.5 * (z[a] + z[b]);
      const evenIm = 0.5 * (z[a + 1] - z[b + 1]);
      const oddRe = 0.5 * (z[a + 1] + z[b + 1]);
      const oddIm = 0.5 * (z[b] - z[a]);
      const cos = this.#cos[k];
      const sin = this.#sin[k];
      out[2 * k] = evenRe + cos * oddRe + sin * oddIm;
      out[2 * k + 1] = evenIm + cos * oddIm - sin * oddRe;
    }
  }

  /**
   * `spectrum`: `2 * bins` values; `out`: `size` samples, overwritten. The imaginary parts of the first and the last bin
   * don't count: a real signal has none.
   */
  inverse(spectrum: Float32Array, out: Float32Array): void {
    const half = this.size / 2;
    const z = this.#packed;
    z[0] = 0.5 * (spectrum[0] + spectrum[2 * half]);
    z[1] = 0.5 * (spectrum[0] - spectrum[2 * half]);
    for (let k = 1; k < half; k++) {
      const a = 2 * k;
      const b = 2 * (half - k);
      const evenRe = 0.5 * (spectrum[a] + spectrum[b]);
      const evenIm = 0.5 * (spectrum[a + 1] - spectrum[b + 1]);
      const diffRe = 0.5 * (spectrum[a] - spectrum[b]);
      const diffIm = 0.5 * (spectrum[a + 1] + spectrum[b + 1]);
      const oddRe = diffRe * this.#cos[k] - diffIm * this.#sin[k];
      const oddIm = diffRe * this.#sin[k] + diffIm * this.#cos[k];
      z[a] = evenRe - oddIm;
      z[a + 1] = evenIm + oddRe;
    }
    this.#half.inverseTransform(this.#transformed, z);
    out.set(this.#transformed);
  }
}
