import { mean } from '../vectors.ts';
import { type Bars, type BeatsPerBar, findBars, type Grid, gridOf } from './bars.ts';
import { allCues, type OnsetCues } from './cues.ts';
import { ONSET_RATE } from './onsets.ts';
import { phaseOf } from './phase.ts';
import type { PitchContent } from './pitch-content.ts';
import { positionGains } from './positions.ts';
import { trackPulse } from './pulse.ts';
import { fitTempo } from './tempo.ts';

/** Slowest and fastest pulse that is taken for the beat, in beats per minute. */
const SLOWEST_BPM = 48;
const FASTEST_BPM = 235;
/** Half the width of the range of tempi that is tracked at once, as a ratio; neighbouring ranges overlap by half. */
const RANGE = 1.15;
/** Pulses whose tempi are nearer than this, as a ratio, are the same. */
const SAME = 1.03;
/** Tempo around which most music lies. */
const USUAL_BPM = 115;
/** Tempo below which a pulse is hardly felt as a beat: octaves under the usual one. */
const SLOW_OCTAVES = 0.5;
/** Beats over which the even and the odd ones are compared. */
const PARITY_BEATS = 16;

/**
 * What tells the beat from its multiples and fractions, and its weight in the choice between them.
 * Fitted as a conditional logit with a quadratic penalty on rendered songs of many styles and a few recordings, every song
 * being one choice.
 */
const WEIGHTS = {
  /** Squared octaves from the usual tempo. */
  unusual: -1.14,
  /** Squared octaves below what is still felt as a beat. */
  slow: -3.47,
  /** Log-likelihood of the bars per beat: over the beat, bars make sense. */
  bars: 1.7,
  /** How far, per beat, bars of four and of three are apart: over the beat, it is clear which it is. */
  clarity: 4.95,
  /** Onsets on the beat against those a third off, at quarters, and half-way against the eighths around. */
  thirds: 1.13,
  quarters: -1.08,
  eighths: 1.04,
  /** Onsets of the middle range on the beat against half-way: a snare half-way means that the beat is twice as fast. */
  snare: 1.03,
  /** How unlike neighbouring beats are in their kicks, and in the middle range, where every other beat may be empty. */
  kickParity: 2.13,
  midParity: -4.57,
};
export type LevelCue = keyof typeof WEIGHTS;

/** A pulse that may be the beat, with the bars over it. */
export interface Level {
  /** Tempo of the pulse. */
  readonly bpm: number;
  readonly grid: Grid;
  /** By beats in a bar. */
  readonly bars: Readonly<Record<BeatsPerBar, Bars>>;
  readonly cues: Readonly<Record<LevelCue, number>>;
  /** How likely this is the beat, among all levels: they sum to 1. */
  readonly probability: number;
}

/** All pulses of a song, the likeliest beat first. Empty without eight beats. */
export function metricalLevels(activation: Float32Array, onsets: OnsetCues, content: PitchContent): Level[] {
  const levels: Level[] = [];
  for (let centre = SLOWEST_BPM * RANGE; centre / RANGE < FASTEST_BPM; centre *= RANGE) {
    const { frames } = trackPulse(activation, { slowest: centre / RANGE, fastest: centre * RANGE });
    const bpm = fitTempo(frames);
    if (bpm === null || bpm < SLOWEST_BPM || bpm > FASTEST_BPM) continue;
    if (levels.some((level) => Math.abs(Math.log(level.bpm / bpm)) < Math.log(SAME))) continue;
    levels.push(levelOf(bpm, frames, onsets, content));
  }
  const scores = levels.map(({ cues }) =>
    (Object.keys(WEIGHTS) as LevelCue[]).reduce((sum, cue) => sum + WEIGHTS[cue] * cues[cue], 0),
  );
  const highest = Math.max(...scores);
  const total = scores.reduce((sum, score) => sum + Math.exp(score - highest), 0);
  return levels
    .map((level, i) => ({ ...level, probability: Math.exp(scores[i] - highest) / total }))
    .toSorted((a, b) => b.probability - a.probability);
}

function levelOf(bpm: number, frames: readonly number[], onsets: OnsetCues, content: PitchContent): Level {
  const points = gridOf(frames);
  const grid = { points, phase: phaseOf(onsets, points) };
  const cues = allCues(onsets, content, (60 * ONSET_RATE) / bpm);
  const barsOf = (beatsPerBar: BeatsPerBar) => findBars(grid, positionGains(cues, beatsPerBar));
  const bars = { 2: barsOf(2), 3: barsOf(3), 4: barsOf(4) };
  return { bpm, grid, bars, cues: levelCues(bpm, bars, onsets), probability: 0 };
}

function levelCues(bpm: number, bars: Level['bars'], onsets: OnsetCues): Level['cues'] {
  const { beats } = bars[4].score >= bars[3].score ? bars[4] : bars[3];
  const perBeat = (value: number) => value / beats.length;
  const all = heardBetween(beats, [onsets.low, onsets.mid, onsets.high]);
  const mid = heardBetween(beats, [onsets.mid]);
  const octaves = Math.log2(bpm / USUAL_BPM);
  return {
    unusual: octaves ** 2,
    slow: Math.max(0, -octaves - SLOW_OCTAVES) ** 2,
    bars: perBeat(Math.max(bars[2].score, bars[3].score, bars[4].score)),
    clarity: perBeat(Math.abs(bars[4].score - bars[3].score)),
    thirds: all(0) - mean([all(1 / 3), all(2 / 3)]),
    quarters: mean([all(1 / 4), all(3 / 4)]),
    eighths: all(1 / 2) - mean([all(1 / 8), all(3 / 8), all(5 / 8), all(7 / 8)]),
    snare: mid(0) - mid(1 / 2),
    kickParity: parity(onsets.kick, beats),
    midParity: parity(onsets.mid, beats),
  };
}

/** The mean of what is heard, all bands added, at a fraction of the way from each beat to the next. */
export function heardBetween(
  beats: readonly number[],
  bands: readonly Float32Array[],
): (fraction: number) => number {
  return (fraction) =>
    mean(
      beats.slice(1).map((next, i) => {
        const at = Math.round(beats[i] + fraction * (next - beats[i]));
        return bands.reduce((sum, band) => sum + (band[at] ?? 0), 0);
      }),
    );
}

/** How much is heard on even beats against odd ones, whichever is more, in the mean over stretches of the song. */
function parity(cue: Float32Array, beats: readonly number[]): number {
  const differences: number[] = [];
  for (let first = 0; first + PARITY_BEATS <= beats.length; first += PARITY_BEATS) {
    const heard = beats.slice(first, first + PARITY_BEATS).map((t) => cue[Math.round(t)] ?? 0);
    differences.push(Math.abs(mean(heard.map((v, i) => (i % 2 === 0 ? v : -v)))));
  }
  return mean(differences);
}
