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
  const [toLeft, toRight] = [Math.cos(angle), Math.sin(angle)];
  for (let i = 0; i < count; i++) {
    const value = at(i / SAMPLE_RATE);
    track.left[first + i] += value * toLeft;
    track.right[first + i] += value * toRight;
  }
}

/** An overtone: its frequency in Hz, its level at the start, and by which power of e it dies away in a second. */
interface Overtone {
  readonly hz: number;
  readonly level: number;
  readonly decay: number;
}

/** The sum of overtones, sample by sample: each is a vector that turns and shrinks, which costs no sine and no power. */
function ringing(overtones: readonly Overtone[]): () => number {
  const x = Float64Array.from(overtones, ({ level }) => level);
  const y = new Float64Array(overtones.length);
  const shrink = overtones.map(({ decay }) => Math.exp(-decay / SAMPLE_RATE));
  const angles = overtones.map(({ hz }) => (2 * Math.PI * hz) / SAMPLE_RATE);
  const turnX = Float64Array.from(angles, (angle, h) => shrink[h] * Math.cos(angle));
  const turnY = Float64Array.from(angles, (angle, h) => shrink[h] * Math.sin(angle));
  return () => {
    let sum = 0;
    for (let h = 0; h < x.length; h++) {
      sum += y[h];
      const nextX = x[h] * turnX[h] - y[h] * turnY[h];
      y[h] = x[h] * turnY[h] + y[h] * turnX[h];
      x[h] = nextX;
    }
    return sum;
  };
}

/** The first overtones of a note, the fundamental as number 1. */
const series = (count: number, overtone: (number: number) => Overtone): Overtone[] =>
  Array.from({ length: count }, (_, i) => overtone(i + 1));

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
  const string = ringing(series(8, (h) => ({ hz: hz * h, level: 1 / h, decay: 1.2 + 1.1 * h })));
  add(track, start, seconds, 0, (t) => 0.35 * level * string() * fade(t, seconds, 0.004, 0.03));
}

/** An electric piano's note: few overtones, struck. */
export function keys(track: Track, start: number, seconds: number, hz: number, pan: number, level = 1): void {
  const tine = ringing(series(6, (h) => ({ hz: hz * h, level: 1 / h ** 1.4, decay: 0.8 + 0.7 * h })));
  add(track, start, seconds, pan, (t) => 0.16 * level * tine() * fade(t, seconds, 0.006, 0.08));
}

/** A held chord's note, two slightly detuned voices wide apart. */
export function pad(track: Track, start: number, seconds: number, hz: number, level = 1): void {
  for (const [pan, cents] of [
    [-0.8, -4],
    [0.8, 4],
  ]) {
    const f = hz * 2 ** (cents / 1200);
    const voice = ringing(series(5, (h) => ({ hz: f * h, level: 1 / h ** 1.8, decay: 0 })));
    add(track, start, seconds, pan, (t) => 0.05 * level * voice() * fade(t, seconds, 0.12, 0.2));
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
    // Each overtone's sine from those of the two below it.
    const twiceCosine = 2 * Math.cos(phase);
    let [below, sine] = [0, Math.sin(phase)];
    let value = 0;
    for (let h = 0; h < overtones; h++) {
      value += weights[h] * sine;
      [below, sine] = [sine, twiceCosine * sine - below];
    }
    return level * scale * value * fade(t, seconds, 0.04, 0.08);
  });
}

function fade(t: number, seconds: number, attack: number, release: number): number {
  return Math.min(1, t / attack, Math.max(0, (seconds - t) / release));
}
