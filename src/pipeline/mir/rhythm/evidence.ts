import { logOdds, probabilityOf } from '../confidence.ts';
import { mean } from '../vectors.ts';
import type { Bars, Grid } from './bars.ts';

/**
 * How much of a pulse there must be: noise, rain, hum and bursts as irregular as speech reach 0.27, quiet music without
 * drums 0.34.
 */
const LEAST_PULSE = 0.3;
/** The contrast of a steady drum kit, which counts as certain. */
const FULL_CONTRAST = 0.5;
/** Frames around a beat that belong to it. */
const AROUND = 2;

/**
 * Log-odds that a beat is one, and that a downbeat is: both go wrong by lying on the off-beats or on another level all
 * through a song, which phase, level and clear bars tell, and hardly ever one by one. Logistic regression on rendered songs,
 * whole and in excerpts, and recordings.
 */
const BEAT = { bias: -0.5, phase: 3.59, bars: 0.95, strength: 0.07 };
const DOWNBEAT = { bias: -0.85, phase: 1.02, bars: 0.6, level: 1.19 };
/** A phase and a level that are clearer than this say no more, and bars that are less clear no less. */
const CLEAR_PHASE = 1.5;
const CLEAR_LEVEL = 2;
const UNCLEAR_BARS = -3;

/** Raw evidence that the estimates are right; each grows with it, none is a probability. */
export interface RhythmEvidence {
  /** Log-odds of the chosen metrical level against all others. */
  readonly level: number;
  /** Mean activation on the beats minus that between, -1..1. */
  readonly contrast: number;
  /** Mean log-odds of the beats against the off-beats. */
  readonly phase: number;
  /** Log-likelihood per bar by which the meter is better than the next best. */
  readonly meter: number;
  /** Log-likelihood per bar by which the downbeats are better than if they lay on the next best beat of the bar. */
  readonly downbeat: number;
}

/** In 0..1, of the tempo's metrical level and of the meter with its downbeats. */
export interface RhythmConfidence {
  readonly tempo: number;
  readonly meter: number;
}

/** Whether there is a pulse: told mainly by contrast, and by beats unlike off-beats, a clear level and clear downbeats. */
export function hasPulse({ contrast, phase, level, downbeat }: RhythmEvidence): boolean {
  return contrast + 0.1 * phase + 0.05 * level + 0.03 * Math.min(2, downbeat) >= LEAST_PULSE;
}

export function confidenceOf(evidence: RhythmEvidence): RhythmConfidence {
  const { level, contrast, phase } = evidence;
  const { bias, ...weights } = DOWNBEAT;
  return {
    tempo: Math.min(1, contrast / FULL_CONTRAST) / (1 + Math.exp(-level)),
    meter: probabilityOf(
      bias +
        weights.phase * Math.min(CLEAR_PHASE, phase) +
        weights.bars * barOdds(evidence) +
        weights.level * Math.min(CLEAR_LEVEL, level),
    ),
  };
}

/** In 0..1, of a beat with such an onset `strength` (0..1) in a song with such evidence. */
export function beatConfidence(strength: number, evidence: RhythmEvidence): number {
  const { bias, ...weights } = BEAT;
  return probabilityOf(
    bias +
      weights.phase * Math.min(CLEAR_PHASE, evidence.phase) +
      weights.bars * barOdds(evidence) +
      weights.strength * logOdds(strength),
  );
}

/** Log odds of the bars, were their likelihoods all there is to know. */
const barOdds = ({ meter, downbeat }: RhythmEvidence) =>
  Math.max(UNCLEAR_BARS, logOdds(1 - Math.exp(-Math.max(0, Math.min(meter, downbeat)))));

/** Mean log-odds of the points that are beats, and of the others that they are not. */
export function meanPhase({ points, phase }: Grid, { beats }: Bars): number {
  const onBeat = new Set(beats);
  return mean(points.map((t, j) => (onBeat.has(t) ? phase[j] : -phase[j])));
}

/** How much better the downbeats fit than the same bars begun on another beat, in units of log-likelihood. */
export function downbeatMargin({ beats, positions }: Bars, gains: readonly Float32Array[]): number {
  const agreement = (shift: number) =>
    beats.reduce((sum, t, i) => sum + gains[(positions[i] - 1 + shift) % gains.length][Math.round(t)], 0);
  return agreement(0) - Math.max(...gains.slice(1).map((_, i) => agreement(i + 1)));
}

/** Mean activation on the beats minus that between. */
export function contrastOf(activation: Float32Array, beats: readonly number[]): number {
  const between = beats.slice(1).map((t, i) => {
    const stretch = activation.subarray(Math.round(beats[i]) + AROUND, Math.round(t) - AROUND + 1);
    return mean(stretch);
  });
  return mean(beats.map((t) => activation[Math.round(t)])) - mean(between);
}
