import type { Beat } from '../analysis.ts';

/** Length of what stands for a bar where there are no beats, in seconds. */
const FREE_BAR = 2;
/** Fewest bar lines that make bars of beats. */
const FEWEST_LINES = 4;
/** Most bars that are compared with each other; in longer songs two, four or more count as one. */
const MOST_BARS = 2000;

/** How many beats the sections' bars may begin after the downbeats: 0 first. */
export function downbeatShifts(beats: readonly Beat[]): number[] {
  const meter = beats.reduce((most, { position }) => Math.max(most, position), 1);
  return Array.from({ length: meter }, (_, shift) => shift);
}

/**
 * Seconds of the bar lines, `shift` beats after the downbeats, the song's start and end among them. What lies before
 * the first line joins the first bar where it is shorter than half a bar, and what rings out after the last full bar
 * joins that.
 */
export function barEdges(beats: readonly Beat[], duration: number, shift: number): number[] {
  let lines = beats.flatMap((_, i) => (beats[i - shift]?.position === 1 ? [beats[i].time] : []));
  if (lines.length < FEWEST_LINES)
    lines = Array.from({ length: Math.ceil(duration / FREE_BAR) }, (_, i) => i * FREE_BAR);
  const half = (lines[1] - lines[0]) / 2;
  const inner = lines.filter((time) => time > half && time < duration - half);
  const step = 2 ** Math.max(0, Math.ceil(Math.log2(inner.length / MOST_BARS)));
  return [0, ...inner.filter((_, i) => i % step === 0), duration];
}
