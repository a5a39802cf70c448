import { mean } from '../vectors.ts';

/** Beats per bar that are told apart. */
const METERS = [3, 4] as const;

/** Cost of a bar that is cut short or drawn out, in standard deviations of the evidence. */
const IRREGULAR_COST = 6;
/** Evidence of the downbeats, in standard deviations, that counts as certain. */
const FULL_CLARITY = 1.5;
/** What each irregular bar takes from a meter's score. */
const BREAK_COST = 0.5;
/** How much better three must be than four. */
const THREE_COST = 1.1;

export interface Bars {
  readonly meter: number;
  /** Position in the bar of each beat, 1 on the downbeat. */
  readonly positions: readonly number[];
  /** How much clearer the downbeats are than the other beats, 0..1. */
  readonly confidence: number;
}

/**
 * Meter and downbeats of a sequence of beats.
 *
 * `evidence`: per beat, how much it sounds like a downbeat, standardised over the song. Each meter is solved by Viterbi
 * over positions in the bar, which go up by one from beat to beat except at a cost; the meter whose downbeats stand
 * out most for their number wins.
 */
export function findBars(evidence: readonly number[]): Bars {
  const solutions = METERS.map((meter) => {
    const positions = positionsIn(meter, evidence);
    const downbeats = evidence.filter((_, i) => positions[i] === 1);
    const clarity = mean(downbeats);
    const breaks = positions.filter((p, i) => i > 0 && p !== (positions[i - 1] % meter) + 1).length;
    const score =
      clarity * Math.sqrt(downbeats.length) - (meter === 3 ? THREE_COST : 0) - breaks * BREAK_COST;
    return { meter, positions, clarity, score };
  });
  const best = solutions.reduce((a, b) => (b.score > a.score ? b : a));
  return {
    meter: best.meter,
    positions: best.positions,
    confidence: Math.min(1, Math.max(0, best.clarity / FULL_CLARITY)),
  };
}

function positionsIn(meter: number, evidence: readonly number[]): number[] {
  let scores = Array.from({ length: meter }, (_, p) => (p === 0 ? (evidence[0] ?? 0) : 0));
  const origins: number[][] = [];
  for (let i = 1; i < evidence.length; i++) {
    const leader = scores.reduce((best, score, p) => (score > scores[best] ? p : best), 0);
    const origin: number[] = [];
    scores = scores.map((_, p) => {
      const previous = (p + meter - 1) % meter;
      const stay = scores[previous] >= scores[leader] - IRREGULAR_COST;
      origin[p] = stay ? previous : leader;
      return (stay ? scores[previous] : scores[leader] - IRREGULAR_COST) + (p === 0 ? evidence[i] : 0);
    });
    origins.push(origin);
  }
  let position = scores.reduce((best, score, p) => (score > scores[best] ? p : best), 0);
  const path = [position];
  for (const origin of origins.reverse()) {
    position = origin[position];
    path.push(position);
  }
  return evidence.length > 0 ? path.reverse().map((p) => p + 1) : [];
}
