import { ONSET_RATE } from './onsets.ts';

/** Ratio of neighbouring tempi. */
const TEMPO_STEP = 1.02;
/** Largest change of the tempo from one beat to the next, in steps, and the cost of each step. */
const MOST_STEPS = 6;
const STEP_COST = 2;
/** Standard deviation of an interval around the period, as a share of it, and at least, in frames. */
const TIMING_SHARE = 0.02;
const LEAST_TIMING = 1;
/** Largest deviation of an interval, in standard deviations. */
const MOST_DEVIATION = 2.5;
/** A beat that has none before it. */
const NO_ORIGIN = 0xffff;

/** Beats as frame numbers, and the mean log-likelihood per frame that the path through them has. */
export interface Pulse {
  readonly frames: readonly number[];
  readonly score: number;
}

/** A tempo: its period in frames, and the intervals that it allows with their costs. */
interface Tempo {
  readonly period: number;
  readonly firstInterval: number;
  readonly costs: readonly number[];
}

/**
 * The most likely pulse between `slowest` and `fastest` beats per minute: the hidden Markov model of Whiteley, Cemgil &
 * Godsill (2006) with the economy of Krebs, Böck & Widmer (2015), whose tempo changes only on beats. Nothing is decided
 * between beats, so the path is searched over beats alone (Viterbi). An interval scatters around the period, so that a
 * player's timing is not taken for a change of tempo.
 *
 * `activation`: probability of an onset, in (0, 1), per frame. Half of what makes a beat is heard half-way to the next
 * one, so that it makes no difference here which of the two is the beat and which the off-beat: that is for the meter
 * to say.
 */
export function trackPulse(
  activation: Float32Array,
  { slowest, fastest }: { slowest: number; fastest: number },
): Pulse {
  const count = activation.length;
  const tempi = tempoGrid((60 * ONSET_RATE) / fastest, (60 * ONSET_RATE) / slowest);
  const between = new Float64Array(count + 1);
  for (let t = 0; t < count; t++) between[t + 1] = between[t] + Math.log(1 - activation[t]);
  const logit = activation.map((a) => Math.log(a / (1 - a)));

  // Scores of beats that can still have a successor, in a ring; for every beat where it came from.
  const { firstInterval, costs } = tempi[tempi.length - 1];
  const longest = firstInterval + costs.length;
  const ring = longest + 1;
  const best = new Float64Array(ring * tempi.length).fill(-Infinity);
  const origin = new Uint16Array(count * tempi.length).fill(NO_ORIGIN);
  const arrival = new Float64Array(tempi.length);
  const arrivedFrom = new Uint16Array(tempi.length);
  const tail = { score: -Infinity, frame: -1, tempo: -1 };

  for (let t = 0; t < count; t++) {
    tempi.forEach(({ firstInterval, costs }, k) => {
      arrival[k] = -Infinity;
      for (let d = 0; d < costs.length && firstInterval + d <= t; d++) {
        const last = t - firstInterval - d;
        const score = best[(last % ring) * tempi.length + k] - between[last] - costs[d];
        if (score <= arrival[k]) continue;
        arrival[k] = score;
        arrivedFrom[k] = d * tempi.length + k;
      }
      arrival[k] += between[t];
    });
    const here = (t % ring) * tempi.length;
    tempi.forEach(({ period }, k) => {
      let top = t <= longest ? between[t] : -Infinity;
      let source = NO_ORIGIN;
      for (let q = Math.max(0, k - MOST_STEPS); q <= Math.min(tempi.length - 1, k + MOST_STEPS); q++) {
        const score = arrival[q] - STEP_COST * Math.abs(k - q);
        if (score <= top) continue;
        top = score;
        source = arrivedFrom[q];
      }
      const half = Math.min(count - 1, t + Math.round(period / 2));
      const score = top + 0.5 * (logit[t] + logit[half]);
      best[here + k] = score;
      origin[t * tempi.length + k] = source;
      if (t + period < count) return;
      const total = score + between[count] - between[t];
      if (total > tail.score) Object.assign(tail, { score: total, frame: t, tempo: k });
    });
  }

  const frames: number[] = [];
  for (let { frame, tempo } = tail; frame >= 0; ) {
    frames.push(frame);
    const source = origin[frame * tempi.length + tempo];
    tempo = source % tempi.length;
    frame =
      source === NO_ORIGIN ? -1 : frame - tempi[tempo].firstInterval - Math.floor(source / tempi.length);
  }
  return { frames: frames.reverse(), score: count > 0 ? tail.score / count : 0 };
}

function tempoGrid(shortest: number, longest: number): Tempo[] {
  const count = 1 + Math.ceil(Math.log(longest / shortest) / Math.log(TEMPO_STEP));
  return Array.from({ length: count }, (_, k) => {
    const period = shortest * TEMPO_STEP ** k;
    const deviation = Math.max(LEAST_TIMING, TIMING_SHARE * period);
    const firstInterval = Math.max(1, Math.ceil(period - MOST_DEVIATION * deviation));
    const last = Math.floor(period + MOST_DEVIATION * deviation);
    return {
      period,
      firstInterval,
      costs: Array.from(
        { length: last - firstInterval + 1 },
        (_, d) => 0.5 * ((firstInterval + d - period) / deviation) ** 2,
      ),
    };
  });
}
