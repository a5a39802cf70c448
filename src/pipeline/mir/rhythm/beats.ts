/** Tempi that a beat can have, in beats per minute. */
export const SLOWEST_BPM = 50;
export const FASTEST_BPM = 220;

/** How firmly the period stays from beat to beat (Krebs, Böck & Widmer 2015, their lambda). */
const STEADINESS = 100;
/** Largest change of the period from one beat to the next, as a share. */
const MOST_CHANGE = 0.12;
/** Bounds of the activation, so that no single frame decides. */
const LEAST_ACTIVATION = 0.03;
const MOST_ACTIVATION = 0.97;
/** Frames over which the onset strength is levelled, in seconds. */
const LEVEL_SECONDS = 6;

/** Beats as frame numbers, and the mean of the log-likelihood per frame that the path through them has. */
export interface BeatPath {
  readonly frames: readonly number[];
  readonly score: number;
}

/**
 * Onset strength as something like the probability of a beat: divided by its level around, smoothed over three frames.
 */
export function beatActivation(flux: Float32Array, rate: number): Float32Array {
  const count = flux.length;
  const smooth = flux.map((v, t) => 0.25 * (flux[t - 1] ?? 0) + 0.5 * v + 0.25 * (flux[t + 1] ?? 0));
  const sums = new Float64Array(count + 1);
  for (let t = 0; t < count; t++) sums[t + 1] = sums[t] + smooth[t] ** 2;
  const half = Math.round((LEVEL_SECONDS / 2) * rate);
  const overall = Math.sqrt(sums[count] / Math.max(1, count));
  return smooth.map((v, t) => {
    const from = Math.max(0, t - half);
    const to = Math.min(count, t + half + 1);
    const level = Math.max(0.3 * overall, Math.sqrt((sums[to] - sums[from]) / (to - from)));
    const x = level > 0 ? v / (3 * level) : 0;
    return Math.min(MOST_ACTIVATION, Math.max(LEAST_ACTIVATION, x));
  });
}

/**
 * The most likely beats: a hidden Markov model whose states are the period and the position in it, where the period
 * changes only on a beat. Solved over beats alone, because nothing is decided between them (Viterbi).
 *
 * `activation`: one value in (0, 1) per frame, `rate` frames per second; beats keep between `slowest` and `fastest` bpm.
 */
export function trackBeats(
  activation: Float32Array,
  rate: number,
  { slowest, fastest }: { slowest: number; fastest: number },
): BeatPath {
  const frames = activation.length;
  const shortest = Math.max(2, Math.floor((60 * rate) / fastest));
  const longest = Math.ceil((60 * rate) / slowest);
  const periods = longest - shortest + 1;
  const onBeat = activation.map((a) => Math.log(a));
  const between = new Float64Array(frames + 1);
  for (let t = 0; t < frames; t++) between[t + 1] = between[t] + Math.log(1 - activation[t]);
  // best[t * periods + p]: a beat at t, the next one period p later.
  const best = new Float64Array(frames * periods).fill(-Infinity);
  const from = new Int16Array(frames * periods).fill(-1);
  for (let t = 0; t < frames; t++) {
    for (let p = 0; p < periods; p++) {
      const period = shortest + p;
      let top = t <= longest ? between[t] : -Infinity;
      let source = -1;
      const reach = Math.max(1, Math.round(period * MOST_CHANGE));
      const low = Math.max(0, p - reach);
      const high = Math.min(periods - 1, p + reach);
      for (let q = low; q <= high; q++) {
        const last = t - shortest - q;
        if (last < 0) break;
        const score =
          best[last * periods + q] +
          between[t] -
          between[last + 1] -
          (STEADINESS * Math.abs(p - q)) / (shortest + q);
        if (score > top) {
          top = score;
          source = q;
        }
      }
      best[t * periods + p] = top + onBeat[t];
      from[t * periods + p] = source;
    }
  }
  let end = -1;
  let score = -Infinity;
  for (let t = Math.max(0, frames - longest); t < frames; t++) {
    for (let p = 0; p < periods; p++) {
      if (t + shortest + p < frames) continue;
      const total = best[t * periods + p] + between[frames] - between[t + 1];
      if (total > score) {
        score = total;
        end = t * periods + p;
      }
    }
  }
  const beats: number[] = [];
  while (end >= 0) {
    const t = Math.floor(end / periods);
    beats.push(t);
    const q = from[end];
    end = q < 0 ? -1 : (t - shortest - q) * periods + q;
  }
  return { frames: beats.reverse(), score: frames > 0 ? score / frames : 0 };
}
