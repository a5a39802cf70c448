import { SAMPLE_RATE } from '../../src/pipeline/audio/song.ts';

/** A stereo signal that instruments add themselves to. */
export interface Track {
  readonly left: Float32Array;
  readonly right: Float32Array;
}

/** Random numbers in -1..1 that are the same on every run (mulberry32). */
export function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

export const emptyTrack = (seconds: number): Track => ({
  left: new Float32Array(Math.round(seconds * SAMPLE_RATE)),
  right: new Float32Array(Math.round(seconds * SAMPLE_RATE)),
});

/** Adds `seconds` of what `at` gives for the time since `start`, panned from -1 (left) to 1 (right). */
function add(track: Track, start: number, seconds: number, pan: number, at: (time: number) => number): void {
  const first = Math.round(start * SAMPLE_RATE);
  const count = Math.min(Math.round(seconds * SAMPLE_RATE), track.left.length - first);
  const angle = ((pan + 1) * Math.PI) / 4;
  for (let i = 0; i < count; i++) {
    const value = at(i / SAMPLE_RATE);
    track.left[first + i] += value * Math.cos(angle);
    track.right[first + i] += value * Math.sin(angle);
  }
}

/** A membrane whose pitch falls from 150 to 45 Hz. */
export function kick(track: Track, start: number, level = 1): void {
  add(track, start, 0.3, 0, (t) => {
    const phase = 2 * Math.PI * (45 * t + (105 / 30) * (1 - Math.exp(-30 * t)));
    return 0.9 * level * Math.exp(-11 * t) * Math.sin(phase) + 0.2 * level * Math.exp(-400 * t);
  });
}

/** A drum's tone under a rattle of noise. */
export function snare(track: Track, start: number, random: () => number, level = 1): void {
  add(track, start, 0.25, 0.08, (t) => {
    const tone = Math.exp(-25 * t) * Math.sin(2 * Math.PI * 190 * t);
    return level * (0.3 * tone + 0.4 * Math.exp(-18 * t) * random());
  });
}

/** Noise with its low end taken off. */
export function hat(track: Track, start: number, random: () => number, level = 1): void {
  let last = 0;
  add(track, start, 0.09, -0.25, (t) => {
    const value = random();
    const high = value - last;
    last = value;
    return 0.13 * level * Math.exp(-60 * t) * high;
  });
}

/** A crash cymbal: bright noise that rings for a second. */
export function crash(track: Track, start: number, random: () => number, level = 1): void {
  let last = 0;
  add(track, start, 1.6, 0.3, (t) => {
    const value = random();
    const high = value - last;
    last = value;
    return 0.16 * level * Math.exp(-3.5 * t) * high;
  });
}

/** A plucked string: overtones that die away the sooner the higher they are. */
export function pluckedBass(track: Track, start: number, seconds: number, hz: number, level = 1): void {
  add(track, start, seconds, 0, (t) => {
    let value = 0;
    for (let h = 1; h <= 8; h++)
      value += (Math.exp(-(1.2 + 1.1 * h) * t) / h) * Math.sin(2 * Math.PI * hz * h * t);
    return 0.35 * level * value * fade(t, seconds, 0.004, 0.03);
  });
}

/** An electric piano's note: few overtones, struck. */
export function keys(track: Track, start: number, seconds: number, hz: number, pan: number, level = 1): void {
  add(track, start, seconds, pan, (t) => {
    let value = 0;
    for (let h = 1; h <= 6; h++)
      value += (Math.exp(-(0.8 + 0.7 * h) * t) / h ** 1.4) * Math.sin(2 * Math.PI * hz * h * t);
    return 0.16 * level * value * fade(t, seconds, 0.006, 0.08);
  });
}

/** A held chord's note, two slightly detuned voices wide apart. */
export function pad(track: Track, start: number, seconds: number, hz: number, level = 1): void {
  for (const [pan, cents] of [
    [-0.8, -4],
    [0.8, 4],
  ]) {
    const f = hz * 2 ** (cents / 1200);
    add(track, start, seconds, pan, (t) => {
      let value = 0;
      for (let h = 1; h <= 5; h++) value += Math.sin(2 * Math.PI * f * h * t) / h ** 1.8;
      return 0.05 * level * value * fade(t, seconds, 0.12, 0.2);
    });
  }
}

/** Centres (Hz), widths (Hz) and levels of a voice's formants on "ah". */
const FORMANTS = [
  [700, 130, 1],
  [1150, 160, 0.6],
  [2600, 250, 0.25],
] as const;

/** A singing lead: overtones under formants, with a vibrato of 5.5 Hz that sets in after the onset. */
export function lead(track: Track, start: number, seconds: number, hz: number, level = 1): void {
  const overtones = Math.min(24, Math.floor(5000 / hz));
  const weights = Array.from({ length: overtones }, (_, i) => {
    const f = (i + 1) * hz;
    const formants = FORMANTS.reduce(
      (sum, [centre, width, gain]) => sum + gain / (1 + ((f - centre) / width) ** 2),
      0.05,
    );
    return formants / (i + 1) ** 0.5;
  });
  const scale = 0.3 / Math.hypot(...weights);
  let phase = 0;
  add(track, start, seconds, 0, (t) => {
    const depth = 35 * Math.min(1, Math.max(0, (t - 0.15) / 0.25));
    phase += (2 * Math.PI * hz * 2 ** ((depth * Math.sin(2 * Math.PI * 5.5 * t)) / 1200)) / SAMPLE_RATE;
    let value = 0;
    for (let h = 0; h < overtones; h++) value += weights[h] * Math.sin((h + 1) * phase);
    return level * scale * value * fade(t, seconds, 0.04, 0.08);
  });
}

function fade(t: number, seconds: number, attack: number, release: number): number {
  return Math.min(1, t / attack, Math.max(0, (seconds - t) / release));
}
