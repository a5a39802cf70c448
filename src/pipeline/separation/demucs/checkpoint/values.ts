import type { Storage } from './storage.ts';

/** Python's `fractions.Fraction`; the denominator is positive. */
export class Fraction {
  readonly numerator: number | bigint;
  readonly denominator: number | bigint;

  constructor(numerator: number | bigint, denominator: number | bigint) {
    this.numerator = numerator;
    this.denominator = denominator;
  }
}

/**
 * A value of Python that stands for itself. A tuple is a frozen array, a list an array, a dict a `Map`;
 * an int is a number where that is exact, a bigint otherwise.
 */
export type PlainValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Fraction
  | readonly PlainValue[]
  | ReadonlyMap<PlainValue, PlainValue>
  | ReadonlySet<PlainValue>;

/** An int as a number where that is exact, as a bigint otherwise. */
export function smallestInt(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The name of a class. The class itself is never there. */
export class ClassReference {
  /** `module.Name` */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Something that a training left in the file and that is not needed: whatever is done to it, it stays this. */
export class Skipped {
  /** `module.Name` of its class */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** What a pickle may call. */
export class Constructor {
  /** `module.name` */
  readonly name: string;
  readonly construct: (args: readonly unknown[]) => unknown;

  constructor(name: string, construct: (args: readonly unknown[]) => unknown) {
    this.name = name;
    this.construct = construct;
  }
}

/** Python's `OrderedDict`: unlike a dict it may carry attributes, which are dropped. */
export class OrderedDict extends Map<unknown, unknown> {}

/** A strided view of a storage, as the pickle claims it; offset and strides count elements. */
export class TensorView {
  readonly storage: Storage;
  readonly offset: unknown;
  readonly shape: readonly unknown[];
  readonly strides: readonly unknown[];

  constructor(storage: Storage, offset: unknown, shape: readonly unknown[], strides: readonly unknown[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** What `value` is, for messages. */
export function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'None';
  if (value instanceof Skipped || value instanceof ClassReference || value instanceof Constructor) {
    return value.name;
  }
  if (Array.isArray(value)) return Object.isFrozen(value) ? 'a tuple' : 'a list';
  if (value instanceof Map) return 'a dict';
  if (value instanceof Set) return 'a set';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Fraction) return 'a fraction';
  if (value instanceof TensorView) return 'a tensor';
  if (typeof value === 'string') return 'a string';
  if (typeof value === 'boolean') return 'a bool';
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number';
  return 'something that is no value of its own';
}
