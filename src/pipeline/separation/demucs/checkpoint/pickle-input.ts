import { isUtf8 } from 'node:buffer';
import { Refusal } from './refusal.ts';

/** The pickle of a full-size network takes some 64 kB: it holds names and shapes, no values. */
export const MAX_PICKLE_BYTES = 16 * 2 ** 20;

/** Reads the bytes of pickles from front to back, never past their end. */
export class PickleInput {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** bytes read so far */
  get position(): number {
    return this.#position;
  }

  /** bytes not read yet */
  get left(): number {
    return this.#bytes.length - this.#position;
  }

  /** The next `length` bytes, not copied. */
  take(length: number): Buffer {
    if (length > this.left) {
      throw new Refusal(
        `the pickle is cut off: expected ${length} bytes at ${this.#position}, ${this.left} are left`,
      );
    }
    const start = this.#position;
    this.#position += length;
    return this.#bytes.subarray(start, this.#position);
  }

  uint8(): number {
    return this.take(1)[0];
  }

  uint16(): number {
    return this.take(2).readUInt16LE();
  }

  uint32(): number {
    return this.take(4).readUInt32LE();
  }

  int32(): number {
    return this.take(4).readInt32LE();
  }

  /** A length of 8 bytes. One beyond 2^53 loses precision, and is beyond every input as well. */
  uint64(): number {
    return Number(this.take(8).readBigUInt64LE());
  }

  /** Floats, unlike all else in a pickle, are big-endian. */
  float64(): number {
    return this.take(8).readDoubleBE();
  }

  text(length: number): string {
    const bytes = this.take(length);
    if (!isUtf8(bytes))
      throw new Refusal(`the pickle holds a string that is not UTF-8 before ${this.#position}`);
    return bytes.toString('utf8');
  }

  /** Text up to the next line feed, without it. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#position);
    if (end < 0) throw new Refusal(`the pickle is cut off: expected a line at ${this.#position}`);
    const text = this.text(end - this.#position);
    this.#position = end + 1;
    return text;
  }
}
