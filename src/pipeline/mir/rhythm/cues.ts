import { ONSET_RATE, type OnsetFeatures } from '../features/onsets.ts';
import { harmonicChange, type Part, type PitchContent } from '../features/pitch-content.ts';
import { dot, LEAST_DEVIATION, spread } from '../vectors.ts';

/** Frames around a beat in which its onsets peak. */
const AROUND = 2;
/** Frames between which harmonic change is read; it is taken as constant in between. */
const HARMONIC_STEP = 2;

/**
 * What is heard at each frame. `low`, `mid`, `high`: the onsets of a band, 1 being the song's root mean square, square-rooted
 * so that a few loud strokes don't decide. The others, with mean 0 and deviation 1 over the song: how much the harmony
 * there is unlike that before, in the treble and in the bass, a beat, two and four beats on either side being compared.
 */
const ONSET_CUES = ['kick', 'low', 'mid', 'high'] as const;
const HARMONIC_CUES = ['treble', 'bass', 'treble2', 'bass2', 'treble4'] as const;

export type OnsetCue = (typeof ONSET_CUES)[number];
export type Cue = OnsetCue | (typeof HARMONIC_CUES)[number];
export type OnsetCues = Readonly<Record<OnsetCue, Float32Array>>;
export type Cues = Readonly<Record<Cue, Float32Array>>;

export function onsetCues({ stroke, lowFlux, midFlux, highFlux }: OnsetFeatures): OnsetCues {
  return { kick: bandCue(stroke), low: bandCue(lowFlux), mid: bandCue(midFlux), high: bandCue(highFlux) };
}

/** All cues for beats of `period` frames. */
export function allCues(onsets: OnsetCues, content: PitchContent, period: number): Cues {
  const frames = onsets.low.length;
  const change = (part: Part, beats: number) => {
    const reach = (beats * period) / ONSET_RATE;
    const out = new Float32Array(frames);
    for (let t = 0; t < frames; t += HARMONIC_STEP)
      out.fill(harmonicChange(content, part, t / ONSET_RATE, reach), t, t + HARMONIC_STEP);
    const { mean, deviation } = spread(out);
    return out.map((v) => (deviation > LEAST_DEVIATION ? (v - mean) / deviation : 0));
  };
  return {
    ...onsets,
    treble: change('treble', 1),
    bass: change('bass', 1),
    treble2: change('treble', 2),
    bass2: change('bass', 2),
    treble4: change('treble', 4),
  };
}

/** The weighted sum of cues at each frame. */
export function weigh<C extends string>(
  cues: Readonly<Record<C, Float32Array>>,
  weights: Readonly<Record<C, number>>,
  bias = 0,
): Float32Array {
  const names = Object.keys(weights) as C[];
  const out = new Float32Array(cues[names[0]].length).fill(bias);
  for (const name of names) {
    const [values, weight] = [cues[name], weights[name]];
    for (let t = 0; t < out.length; t++) out[t] += weight * values[t];
  }
  return out;
}

function bandCue(flux: Float32Array): Float32Array {
  const peaks = flux.map((_, t) => {
    let highest = 0;
    for (let u = Math.max(0, t - AROUND); u <= Math.min(flux.length - 1, t + AROUND); u++)
      highest = Math.max(highest, flux[u]);
    return highest;
  });
  const level = Math.sqrt(dot(peaks, peaks) / Math.max(1, peaks.length));
  return peaks.map((v) => (level > LEAST_DEVIATION ? Math.sqrt(v / level) : 0));
}
