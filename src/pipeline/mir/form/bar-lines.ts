import type { Beat } from '../analysis.ts';

/** Length of what stands for a bar where there are no beats, in seconds. */
export const FREE_BAR = 2;
/** Fewest bar lines that make bars of beats. */
const FEWEST_LINES = 4;
/** Longest lead-in or ending that is no bar, in bars. */
const LONGEST_REST = 1.5;
/** Most bars that are compared with each other; in longer songs two, four or more count as one. */
const MOST_BARS = 2000;

/** Whether there are beats enough to make bars of. */
export const hasBars = (beats: readonly Beat[]) =>
  beats.filter(({ position }) => position === 1).length >= FEWEST_LINES;

/**
 * Seconds of the bar lines, `shift` beats after the downbeats. What lies before the first or after the last line is a bar
 * of its own only where it is longer than `LONGEST_REST`, so that what leads in or rings out colours no bar.
 */
export function barEdges(beats: readonly Beat[], duration: number, shift: number): number[] {
  const lines = hasBars(beats)
    ? beats.flatMap((_, i) => (beats[i - shift]?.position === 1 ? [beats[i].time] : []))
    : Array.from({ length: Math.floor(duration / FREE_BAR) + 1 }, (_, i) => i * FREE_BAR);
  const longest = LONGEST_REST * (lines[1] - lines[0]);
  if (lines[0] > longest) lines.unshift(0);
  if (duration - lines[lines.length - 1] > longest) lines.push(duration);
  const step = 2 ** Math.max(0, Math.ceil(Math.log2(lines.length / MOST_BARS)));
  return lines.filter((_, i) => i % step === 0 || i === lines.length - 1);
}
