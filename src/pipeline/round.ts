/** `value` with so many decimals; null stays null. */
export function round<T extends number | null>(value: T, decimals: number): T {
  return (value === null ? null : Math.round(value * 10 ** decimals) / 10 ** decimals) as T;
}

/** Seconds to a tenth of a millisecond, as results hold them. */
export const toTime = (seconds: number) => round(seconds, 4);
