import { ONSET_RATE } from '../features/onsets.ts';

/** Ratio of neighbouring tempi. */
const TEMPO_STEP = 1.02;
/** What it costs to change the tempo by one step. */
const STEP_COST = 2;
/** Standard deviation of an interval around the period, as a share of it, and at least, in frames. */
const TIMING_SHARE = 0.02;
const LEAST_TIMING = 1;
/** Largest deviation of an interval, in standard deviations. */
const MOST_DEVIATION = 2.5;
/** A beat that has none before it. */
const NO_ORIGIN = 0xffff;

/** A tempo: its period in frames, and the intervals that it allows with their costs. */
interface Tempo {
  readonly period: number;
  readonly firstInterval: number;
  readonly costs: readonly number[];
}

/**
 * Frames of the most likely pulse between `slowest` and `fastest` beats per minute: the hidden Markov model of Whiteley, Cemgil &
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
): number[] {
  const count = activation.length;
  const tempi = tempoGrid((60 * ONSET_RATE) / fastest, (60 * ONSET_RATE) / slowest);
  const logit = activation.map((a) => Math.log(a / (1 - a)));

  // For every beat the log-odds of the best path to it against no beats at all, and where that came from.
  const reached = tempi.map(() => new Float64Array(count));
  const origin = new Uint16Array(count * tempi.length).fill(NO_ORIGIN);
  const longest = tempi[tempi.length - 1].firstInterval + tempi[tempi.length - 1].costs.length;
  const arrival = new Float64Array(tempi.length);
  const arrivedFrom = new Uint16Array(tempi.length);
  const tail = { score: -Infinity, frame: -1, tempo: -1 };

  for (let t = 0; t < count; t++) {
    for (let k = 0; k < tempi.length; k++) {
      const { firstInterval, costs } = tempi[k];
      const scores = reached[k];
      let top = -Infinity;
      for (let d = 0; d < costs.length && firstInterval + d <= t; d++) {
        const score = scores[t - firstInterval - d] - costs[d];
        if (score <= top) continue;
        top = score;
        arrivedFrom[k] = d * tempi.length + k;
      }
      arrival[k] = top;
    }
    // The tempo may change on the beat, by as many steps as pay off.
    const change = (k: number, from: number) => {
      if (arrival[from] - STEP_COST <= arrival[k]) return;
      arrival[k] = arrival[from] - STEP_COST;
      arrivedFrom[k] = arrivedFrom[from];
    };
    for (let k = 1; k < tempi.length; k++) change(k, k - 1);
    for (let k = tempi.length - 2; k >= 0; k--) change(k, k + 1);
    for (let k = 0; k < tempi.length; k++) {
      const { period } = tempi[k];
      const starts = t <= longest && arrival[k] <= 0;
      const half = Math.min(count - 1, t + Math.round(period / 2));
      const score = (starts ? 0 : arrival[k]) + 0.5 * (logit[t] + logit[half]);
      reached[k][t] = score;
      origin[t * tempi.length + k] = starts ? NO_ORIGIN : arrivedFrom[k];
      if (t + period >= count && score > tail.score) Object.assign(tail, { score, frame: t, tempo: k });
    }
  }

  const frames: number[] = [];
  for (let { frame, tempo } = tail; frame >= 0; ) {
    frames.push(frame);
    const source = origin[frame * tempi.length + tempo];
    tempo = source % tempi.length;
    frame =
      source === NO_ORIGIN ? -1 : frame - tempi[tempo].firstInterval - Math.floor(source / tempi.length);
  }
  return frames.reverse();
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
