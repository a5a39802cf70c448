import { ONSET_RATE } from '../features/onsets.ts';
import type { PitchContent } from '../features/pitch-content.ts';
import { mean } from '../vectors.ts';
import { type Bars, type BeatsPerBar, findBars, type Grid, gridOf } from './bars.ts';
import { allCues, type Cues, type OnsetCues } from './cues.ts';
import { phaseOf } from './phase.ts';
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
/** Fractions of a beat that halving it twice and three times adds. */
const ODD_FOURTHS = [1 / 4, 3 / 4];
const ODD_EIGHTHS = [1 / 8, 3 / 8, 5 / 8, 7 / 8];
/** Beats over which the even and the odd ones are compared. */
const PARITY_BEATS = 16;

/**
 * What tells the beat from its multiples and fractions, and its weight in the choice between them.
 * Fitted as a conditional logit with a quadratic penalty on rendered songs of many styles and a few recordings, every song
 * being one choice.
 */
const WEIGHTS = {
  /** Squared octaves from the usual tempo. */
  unusual: -1.41,
  /** Log-likelihood of the bars per beat: over the beat, bars make sense. */
  bars: 1.55,
  /** How far, per beat, bars of four and of three are apart: over the beat, it is clear which it is. */
  clarity: 4.93,
  /** Change of the harmony on downbeats: bars are long enough for one chord, and short enough. */
  chordChange: 1.96,
  /** Onsets on the beat against those a third off, and half-way against the eighths of the beat around. */
  thirds: 1.06,
  eighths: 0.95,
  /** Onsets at the second third against the first: swing divides beats, not bars. */
  swing: 1.82,
  /** Log-odds of an onset at the odd fourths and at the odd eighths of the beat: the finer, the less is to be heard there. */
  fourthsActive: -0.83,
  eighthsActive: -3.08,
  /** How unlike neighbouring beats are in their kicks, and in the middle range, where every other beat may be empty. */
  kickParity: 2.54,
  midParity: -3.14,
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

/** What levels are weighed by: log-odds of an onset per frame, onsets by band, and the harmony. */
interface Heard {
  readonly activation: Float32Array;
  readonly onsets: OnsetCues;
  readonly content: PitchContent;
}

/** All pulses of a song, the likeliest beat first; `activation` as for `trackPulse`. Empty without eight beats. */
export function metricalLevels(activation: Float32Array, onsets: OnsetCues, content: PitchContent): Level[] {
  const heard = { activation: activation.map((a) => Math.log(a / (1 - a))), onsets, content };
  const levels: Omit<Level, 'probability'>[] = [];
  for (let centre = SLOWEST_BPM * RANGE; centre / RANGE < FASTEST_BPM; centre *= RANGE) {
    const frames = trackPulse(activation, { slowest: centre / RANGE, fastest: centre * RANGE });
    const bpm = fitTempo(frames);
    if (bpm === null || bpm < SLOWEST_BPM || bpm > FASTEST_BPM) continue;
    if (levels.some((level) => Math.abs(Math.log(level.bpm / bpm)) < Math.log(SAME))) continue;
    levels.push(levelOf(bpm, frames, heard));
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

function levelOf(bpm: number, frames: readonly number[], heard: Heard): Omit<Level, 'probability'> {
  const points = gridOf(frames);
  const grid = { points, phase: phaseOf(heard.onsets, points) };
  const cues = allCues(heard.onsets, heard.content, (60 * ONSET_RATE) / bpm);
  const barsOf = (beatsPerBar: BeatsPerBar) => findBars(grid, positionGains(cues, beatsPerBar));
  const bars = { 2: barsOf(2), 3: barsOf(3), 4: barsOf(4) };
  return { bpm, grid, bars, cues: levelCues(bpm, bars, heard, cues) };
}

function levelCues(
  bpm: number,
  bars: Level['bars'],
  { activation, onsets }: Heard,
  cues: Cues,
): Level['cues'] {
  const { beats, positions } = bars[4].score >= bars[3].score ? bars[4] : bars[3];
  const perBeat = (value: number) => value / beats.length;
  const onset = heardBetween(beats, [onsets.low, onsets.mid, onsets.high]);
  const snareAndHat = heardBetween(beats, [onsets.mid, onsets.high]);
  const active = heardBetween(beats, [activation]);
  const downbeats = beats.filter((_, i) => positions[i] === 1);
  return {
    unusual: Math.log2(bpm / USUAL_BPM) ** 2,
    bars: perBeat(Math.max(bars[2].score, bars[3].score, bars[4].score)),
    clarity: perBeat(Math.abs(bars[4].score - bars[3].score)),
    chordChange: mean(downbeats.map((t) => cues.treble[Math.round(t)])),
    thirds: onset(0) - mean([onset(1 / 3), onset(2 / 3)]),
    eighths: onset(1 / 2) - mean(ODD_EIGHTHS.map(onset)),
    swing: snareAndHat(2 / 3) - snareAndHat(1 / 3),
    fourthsActive: mean(ODD_FOURTHS.map(active)),
    eighthsActive: mean(ODD_EIGHTHS.map(active)),
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
