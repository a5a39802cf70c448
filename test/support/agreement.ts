/** Seconds by which a beat may miss and still count, as beat trackers are scored. */
const BEAT_TOLERANCE = 0.07;

/** F-measure of estimated times against true ones, each of which may be hit once. */
export function beatFMeasure(truth: readonly number[], estimate: readonly number[]): number {
  const open = [...estimate];
  let hits = 0;
  for (const time of truth) {
    const at = open.findIndex((other) => Math.abs(other - time) <= BEAT_TOLERANCE);
    if (at < 0) continue;
    open.splice(at, 1);
    hits++;
  }
  return (2 * hits) / (truth.length + estimate.length);
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly label: string;
}

/** Share of the true spans' time that bears the right label. */
export function timeAgreement(
  truth: readonly Span[],
  estimate: readonly Span[],
  same: (a: string, b: string) => boolean = (a, b) => a === b,
): number {
  let right = 0;
  let total = 0;
  for (const a of truth) {
    total += a.end - a.start;
    for (const b of estimate)
      if (same(a.label, b.label)) right += Math.max(0, Math.min(a.end, b.end) - Math.max(a.start, b.start));
  }
  return right / total;
}

/** Whether two chords have the same root and third: `C:maj7` counts as `C:maj`. */
export function sameTriad(a: string, b: string): boolean {
  const triad = (label: string) => label.replace(/:(maj7|7)$/, ':maj').replace(/:min7$/, ':min');
  return triad(a) === triad(b);
}
