import { Refusal } from './refusal.ts';

const underflow = () => new Refusal('the pickle takes more from its stack than it has put there');

/** The stack of an unpickler. What lies below the last mark is out of reach until that mark is taken away. */
export class PickleStack {
  readonly #values: unknown[] = [];
  readonly #marks: number[] = [];

  push(value: unknown): void {
    this.#values.push(value);
  }

  mark(): void {
    this.#marks.push(this.#values.length);
  }

  pop(): unknown {
    this.#require(1);
    return this.#values.pop();
  }

  /** The last value, left in place. */
  top(): unknown {
    this.#require(1);
    return this.#values[this.#values.length - 1];
  }

  /** The last `count` values in the order they came. */
  popMany(count: number): unknown[] {
    this.#require(count);
    return this.#values.splice(this.#values.length - count);
  }

  /** All values since the last mark, in the order they came, and the mark itself. */
  popToMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw underflow();
    return this.#values.splice(mark);
  }

  /** Python's POP: the last value, or the last mark where nothing has come since. */
  discard(): void {
    if (this.#marks.at(-1) === this.#values.length) this.#marks.pop();
    else this.pop();
  }

  #require(count: number): void {
    if (this.#values.length - (this.#marks.at(-1) ?? 0) < count) throw underflow();
  }
}
