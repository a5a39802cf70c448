import type { Beat, Meter } from '../analysis.ts';
import { ONSET_RATE, type OnsetFeatures } from '../features/onsets.ts';
import type { PitchContent } from '../features/pitch-content.ts';
import { mean } from '../vectors.ts';
import { beatActivation } from './activation.ts';
import { type Bars, type BeatsPerBar, findBars, gridOf, withOuterBeats } from './bars.ts';
import { allCues, type OnsetCues, onsetCues } from './cues.ts';
import {
  beatConfidence,
  confidenceOf,
  contrastOf,
  downbeatMargin,
  hasPulse,
  meanPhase,
  type RhythmConfidence,
  type RhythmEvidence,
} from './evidence.ts';
import { heardBetween, metricalLevels } from './levels.ts';
import { phaseOf } from './phase.ts';
import { positionGains } from './positions.ts';
import { trackPulse } from './pulse.ts';
import { fitTempo } from './tempo.ts';

/** Room for the tempo to change in, either way, once the beat is chosen. */
const DRIFT = 1.25;
/** Onsets at both thirds of the beat against half-way, from which on the beat divides by three. */
const LEAST_TERNARY = 0.3;
/** Log-likelihood by which three beats in a bar must be better than four: they are the rarer by far. */
const THREE_COST = 10;
/** Frames by which the flux peaks after an onset: none for a drum, about one for slower attacks. */
const ATTACK_FRAMES = 0.5;
/** Frames around a beat in which its onset peaks. */
const AROUND = 2;
/** A beat at either end of the song that is weaker than this share of the mean is silence. */
const SILENT_SHARE = 0.1;

export interface Rhythm {
  /** Beats per minute, fitted to the beats. */
  readonly bpm: number;
  readonly meter: Omit<Meter, 'confidence'>;
  /** `time` in seconds, `position` in the bar from 1. */
  readonly beats: readonly Beat[];
  readonly evidence: RhythmEvidence;
  readonly confidence: RhythmConfidence;
}

/**
 * Tempo, beats, bars and meter. Null without a pulse.
 *
 * `onsets` may be those of the mix or of the drums alone, `content` is the mix's.
 */
export function findRhythm(onsets: OnsetFeatures, content: PitchContent): Rhythm | null {
  const activation = beatActivation(onsets);
  const heard = onsetCues(onsets);
  const level = metricalLevels(activation, heard, content).at(0);
  if (!level) return null;
  const frames = trackPulse(activation, { slowest: level.bpm / DRIFT, fastest: level.bpm * DRIFT });
  const points = gridOf(frames);
  const grid = { points, phase: phaseOf(heard, points) };
  const cues = allCues(heard, content, (60 * ONSET_RATE) / level.bpm);
  const solve = (beatsPerBar: BeatsPerBar) => {
    const gains = positionGains(cues, beatsPerBar);
    return { beatsPerBar, gains, bars: findBars(grid, gains) };
  };
  const inFour = solve(4);
  const ternary = isTernary(heard, inFour.bars.beats);
  const solutions = [inFour, solve(3), ...(ternary ? [solve(2)] : [])].toSorted(
    (a, b) => likelihood(b) - likelihood(a),
  );
  const [{ beatsPerBar, gains, bars }, second] = solutions;
  const walk = withOuterBeats(bars, points, { beatsPerBar, frames: onsets.frames });
  const beats = withoutSilence(
    walk.beats.map((t, i) => {
      const peak = peakNear(onsets.flux, t);
      return {
        time: Math.max(0, (peak - ATTACK_FRAMES) / ONSET_RATE),
        position: walk.positions[i],
        strength: activation[Math.round(t)],
        flux: onsets.flux[Math.round(peak)],
      };
    }),
  );
  const bpm = fitTempo(beats.map(({ time }) => time * ONSET_RATE));
  if (bpm === null) return null;
  const barCount = bars.beats.length / beatsPerBar;
  const evidence: RhythmEvidence = {
    level: Math.log(level.probability / Math.max(Number.EPSILON, 1 - level.probability)),
    contrast: contrastOf(activation, bars.beats),
    phase: meanPhase(grid, bars),
    meter: (likelihood(solutions[0]) - likelihood(second)) / barCount,
    downbeat: downbeatMargin(bars, gains) / barCount,
  };
  if (!hasPulse(evidence)) return null;
  return {
    bpm,
    meter: meterOf(beatsPerBar, ternary),
    beats: beats.map(({ time, position, strength }) => ({
      time,
      position,
      confidence: beatConfidence(strength, evidence),
    })),
    evidence,
    confidence: confidenceOf(evidence),
  };
}

const likelihood = ({ beatsPerBar, bars }: { beatsPerBar: BeatsPerBar; bars: Bars }) =>
  bars.score - (beatsPerBar === 3 ? THREE_COST : 0);

/** Whether the beat divides by three: both thirds are heard, and more than what lies half-way. */
function isTernary({ low, mid, high }: OnsetCues, beats: readonly number[]): boolean {
  const at = heardBetween(beats, [low, mid, high]);
  return Math.min(at(1 / 3), at(2 / 3)) - at(1 / 2) > LEAST_TERNARY;
}

function meterOf(beatsPerBar: BeatsPerBar, ternary: boolean): Rhythm['meter'] {
  return ternary
    ? { beatsPerBar, count: 3 * beatsPerBar, unit: 8 }
    : { beatsPerBar, count: beatsPerBar, unit: 4 };
}

/** Without the beats before the first sound and after the last. */
function withoutSilence<B extends { flux: number }>(beats: readonly B[]): B[] {
  const least = SILENT_SHARE * mean(beats.map(({ flux }) => flux));
  const sounds = ({ flux }: B) => flux > least;
  return beats.slice(beats.findIndex(sounds), beats.findLastIndex(sounds) + 1);
}

/** Frame, with a fraction, at which the flux peaks around `t`: vertex of the parabola through the highest three values. */
function peakNear(flux: Float32Array, t: number): number {
  let peak = Math.round(t);
  for (let u = Math.max(0, peak - AROUND); u <= Math.min(flux.length - 1, Math.round(t) + AROUND); u++)
    if (flux[u] > flux[peak]) peak = u;
  const [before, here, after] = [flux[peak - 1] ?? 0, flux[peak], flux[peak + 1] ?? 0];
  const curvature = before - 2 * here + after;
  if (curvature >= 0) return peak;
  return peak + Math.max(-0.5, Math.min(0.5, (0.5 * (before - after)) / curvature));
}
