/**
 * Running median of odd `width` over `count` values of `input`, from `offset` in steps of `step`, to the same places of
 * `out`. Beyond the ends the outermost value counts on.
 *
 * The window is kept sorted: each step takes one value out and puts one in, in time linear in the width.
 */
export function runningMedian(
  input: Float32Array,
  out: Float32Array,
  offset: number,
  step: number,
  count: number,
  width: number,
): void {
  const half = width >> 1;
  const sorted = new Float32Array(width);
  const last = count - 1;
  for (let j = -half; j <= half; j++) {
    sorted[j + half] = input[offset + Math.min(last, Math.max(0, j)) * step];
  }
  sorted.sort();
  out[offset] = sorted[half];
  for (let i = 1; i < count; i++) {
    const gone = input[offset + Math.max(0, i - 1 - half) * step];
    const come = input[offset + Math.min(last, i + half) * step];
    replaceSorted(sorted, gone, come);
    out[offset + i * step] = sorted[half];
  }
}

/** Replaces one `gone` of `sorted` by `come`, in order. */
function replaceSorted(sorted: Float32Array, gone: number, come: number): void {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < gone) low = middle + 1;
    else high = middle;
  }
  let at = low;
  for (; at + 1 < sorted.length && sorted[at + 1] < come; at++) sorted[at] = sorted[at + 1];
  for (; at > 0 && sorted[at - 1] > come; at--) sorted[at] = sorted[at - 1];
  sorted[at] = come;
}

/** Median of the first `count` values of `values`, which are left sorted; the lower of two middles. */
export function medianInPlace(values: Float32Array, count: number): number {
  for (let i = 1; i < count; i++) {
    const value = values[i];
    let at = i;
    for (; at > 0 && values[at - 1] > value; at--) values[at] = values[at - 1];
    values[at] = value;
  }
  return values[(count - 1) >> 1];
}
