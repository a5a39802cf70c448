import loadPffft from '@echogarden/pffft-wasm/simd';

const REAL = 0;
const FORWARD = 0;
const BACKWARD = 1;
/** Four SIMD lanes of complex numbers must go into half a signal. */
const LEAST_SIZE = 32;

const pffft = await loadPffft();

/** What transforms of one size share: they never run at the same time. */
interface Plan {
  readonly setup: number;
  readonly input: number;
  readonly output: number;
  readonly work: number;
}

const plans = new Map<number, Plan>();

/**
 * Fourier transform of real signals of one power-of-two length, at least 32, in single precision.
 *
 * Spectra are `size / 2 + 1` bins, real and imaginary part interleaved, unscaled forward; `inverse` divides by the size,
 * so that it undoes `forward`. The library behind it is WebAssembly: the same values to the last bit on every machine.
 */
export class RealFft {
  readonly size: number;
  /** Bins of a spectrum, `size / 2 + 1`. */
  readonly bins: number;

  readonly #plan: Plan;

  constructor(size: number) {
    if (size < LEAST_SIZE || !Number.isInteger(Math.log2(size))) {
      throw new RangeError(
        `A transform's size must be a power of two of at least ${LEAST_SIZE}, got ${size}.`,
      );
    }
    this.size = size;
    this.bins = size / 2 + 1;
    this.#plan = planOf(size);
  }

  /** `input`: `size` samples; `out`: `2 * bins` values, overwritten. */
  forward(input: Float32Array, out: Float32Array): void {
    const { size } = this;
    this.#input().set(input.length === size ? input : input.subarray(0, size));
    out.set(this.#transform(FORWARD));
    // The library has the two bins that are real, the first and the last, in one place.
    out[size] = out[1];
    out[1] = 0;
    out[size + 1] = 0;
  }

  /**
   * `spectrum`: `2 * bins` values; `out`: `size` samples, overwritten. The imaginary parts of the first and the last bin
   * don't count: a real signal has none.
   */
  inverse(spectrum: Float32Array, out: Float32Array): void {
    const { size } = this;
    const input = this.#input();
    input.set(spectrum.subarray(0, size));
    input[1] = spectrum[size];
    const samples = this.#transform(BACKWARD);
    const scale = 1 / size;
    for (let i = 0; i < size; i++) out[i] = samples[i] * scale;
  }

  #input(): Float32Array {
    return floatsAt(this.#plan.input, this.size);
  }

  #transform(direction: number): Float32Array {
    const { setup, input, output, work } = this.#plan;
    pffft._pffft_transform_ordered(setup, input, output, work, direction);
    return floatsAt(output, this.size);
  }
}

function planOf(size: number): Plan {
  const known = plans.get(size);
  if (known) return known;
  const buffer = () => pffft._pffft_aligned_malloc(size * Float32Array.BYTES_PER_ELEMENT);
  const plan = {
    setup: pffft._pffft_new_setup(size, REAL),
    input: buffer(),
    output: buffer(),
    work: buffer(),
  };
  plans.set(size, plan);
  return plan;
}

/** Memory of the library. It moves when it grows, so it is looked up each time. */
function floatsAt(pointer: number, count: number): Float32Array {
  const first = pointer / Float32Array.BYTES_PER_ELEMENT;
  return pffft.HEAPF32.subarray(first, first + count);
}
