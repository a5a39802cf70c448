/** Sum of the products of two vectors of equal length. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Arithmetic mean; 0 of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return values.length > 0 ? sum / values.length : 0;
}

/** The middle value, the higher of the two middle ones of an even number; undefined of nothing. */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Mean and standard deviation. */
export function spread(values: ArrayLike<number>): { mean: number; deviation: number } {
  const centre = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - centre) ** 2;
  return { mean: centre, deviation: values.length > 0 ? Math.sqrt(squares / values.length) : 0 };
}

/** Values with mean 0 and deviation 1; all 0 where they don't vary. */
export function standardised(values: readonly number[]): number[] {
  const { mean, deviation } = spread(values);
  return values.map((v) => (deviation > LEAST_DEVIATION ? (v - mean) / deviation : 0));
}

/** A deviation below this is rounding. */
export const LEAST_DEVIATION = 1e-9;

/** The vector at the given Euclidean length; zeros stay zeros. */
export function scaledTo(v: Float32Array, length: number): Float32Array {
  const norm = Math.sqrt(dot(v, v));
  return norm > 0 ? v.map((x) => (x * length) / norm) : v;
}
