import { Refusal } from './refusal.ts';
import type { Container, Storage } from './storage.ts';
import type { TensorView } from './values.ts';

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** A tensor of an open file: a strided view that lies within its storage, read when asked for. */
export class StoredTensor {
  readonly shape: readonly number[];
  /** number of elements */
  readonly numel: number;
  readonly storage: Storage;
  readonly #offset: number;
  readonly #strides: readonly number[];
  readonly #decode: (storage: ArrayBuffer) => Float32Array;

  /** Throws a `Refusal` where the view does not fit its storage, or where its elements are no floats. */
  constructor({ storage, offset, shape, strides }: TensorView) {
    if (!storage.dtype.decode) {
      throw new Refusal(`it is of ${storage.dtype.name}, expected float16, bfloat16, float32 or float64`);
    }
    if (!isCount(offset) || !shape.every(isCount) || !strides.every(isCount)) {
      throw new Refusal('its offset, shape and strides are not all counts');
    }
    if (shape.length !== strides.length) {
      throw new Refusal(`it has ${shape.length} dimensions and ${strides.length} strides`);
    }
    this.shape = shape;
    this.numel = shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
    this.storage = storage;
    this.#offset = offset;
    this.#strides = strides;
    this.#decode = storage.dtype.decode;
    const end =
      this.numel === 0 ? offset : shape.reduce((at, size, i) => at + (size - 1) * strides[i], offset + 1);
    if (end > storage.numel) {
      throw new Refusal(`it reaches to element ${end} of a storage that has ${storage.numel}`);
    }
  }

  /** The values in row-major order. */
  async read(container: Container): Promise<Float32Array> {
    const values = this.#decode(await container.readStorage(this.storage));
    if (!this.#isRowMajor()) return this.#gather(values);
    return this.numel === values.length ? values : values.slice(this.#offset, this.#offset + this.numel);
  }

  #isRowMajor(): boolean {
    let expected = 1;
    for (let axis = this.shape.length - 1; axis >= 0; axis--) {
      if (this.shape[axis] !== 1 && this.#strides[axis] !== expected) return false;
      expected *= this.shape[axis];
    }
    return true;
  }

  #gather(values: Float32Array): Float32Array {
    const gathered = new Float32Array(this.numel);
    const index = this.shape.map(() => 0);
    let at = this.#offset;
    for (let i = 0; i < gathered.length; i++) {
      gathered[i] = values[at];
      for (let axis = index.length - 1; axis >= 0; axis--) {
        at += this.#strides[axis];
        if (++index[axis] < this.shape[axis]) break;
        at -= this.#strides[axis] * this.shape[axis];
        index[axis] = 0;
      }
    }
    return gathered;
  }
}
