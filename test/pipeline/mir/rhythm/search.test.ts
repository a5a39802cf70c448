import { describe, expect, it } from 'vitest';
import { ONSET_RATE } from '../../../../src/pipeline/mir/features/onsets.ts';
import { findBars, gridOf } from '../../../../src/pipeline/mir/rhythm/bars.ts';
import { trackPulse } from '../../../../src/pipeline/mir/rhythm/pulse.ts';
import { fitTempo } from '../../../../src/pipeline/mir/rhythm/tempo.ts';

/** The pulse may lie on the beat or half-way between: its grid holds both. */
describe('the pulse', () => {
  it('goes on through a gap in the onsets and follows a tempo that drifts', () => {
    const truth: number[] = [];
    for (let t = 30, period = 44; t < 3000; t += period, period += 0.1) truth.push(Math.round(t));
    const activation = new Float32Array(3000).fill(0.05);
    truth.forEach((t, i) => {
      if (i < 20 || i > 24) activation[t] = 0.9;
    });
    const grid = gridOf(trackPulse(activation, { slowest: 90, fastest: 150 }));
    const found = truth.filter((t) => grid.some((point) => Math.abs(point - t) <= 2));
    expect(found.length).toBeGreaterThanOrEqual(truth.length - 2);
  });

  it('is not drawn from the beat by the timing of a player', () => {
    const truth = Array.from({ length: 60 }, (_, i) => 20 + 45 * i + [0, 1, 0, -1, 0][i % 5]);
    const activation = new Float32Array(2800).fill(0.05);
    for (const t of truth) activation.set([0.4, 0.9, 0.4], t - 1);
    const grid = gridOf(trackPulse(activation, { slowest: 90, fastest: 150 }));
    const found = truth.filter((t) => grid.some((point) => Math.abs(point - t) <= 2));
    expect(found.length).toBeGreaterThan(55);
  });

  it('of nothing is empty', () => {
    expect(trackPulse(new Float32Array(0), { slowest: 90, fastest: 150 })).toEqual([]);
  });
});

describe('the bars', () => {
  const PERIOD = 40;
  /** Bars over a steady pulse: `first` tells which beats sound like downbeats, `phase` how beats differ from off-beats. */
  function barsOf(
    beats: number,
    beatsPerBar: number,
    first: (beat: number) => boolean,
    phase: (point: number) => number = (point) => (point % 2 === 0 ? 1 : -1),
  ) {
    const points = gridOf(Array.from({ length: beats }, (_, i) => PERIOD * i));
    const gain = (down: number, other: number) =>
      Float32Array.from({ length: beats * PERIOD }, (_, t) => (first(Math.floor(t / PERIOD)) ? down : other));
    const gains = Array.from({ length: beatsPerBar }, (_, position) =>
      position === 0 ? gain(1, -2) : gain(-2, 0.3),
    );
    return findBars({ points, phase: points.map((_, j) => 4 * phase(j)) }, gains);
  }

  it('begin where the downbeats are', () => {
    expect(barsOf(40, 4, (beat) => beat % 4 === 2).positions.slice(0, 6)).toEqual([3, 4, 1, 2, 3, 4]);
    expect(barsOf(40, 3, (beat) => beat % 3 === 1).positions.slice(0, 4)).toEqual([3, 1, 2, 3]);
  });

  it('fit better with the right number of beats', () => {
    const inThree = (beat: number) => beat % 3 === 0;
    expect(barsOf(48, 3, inThree).score).toBeGreaterThan(barsOf(48, 4, inThree).score);
  });

  it('come back in step after one that is cut short', () => {
    const { positions } = barsOf(58, 4, (beat) => (beat < 18 ? beat % 4 === 0 : (beat - 18) % 4 === 0));
    const downbeats = positions.flatMap((position, i) => (position === 1 ? [i] : []));
    expect(downbeats.slice(3, 7)).toEqual([12, 16, 18, 22]);
  });

  it('have their beats on the off-beats of a pulse that lies between', () => {
    const { beats } = barsOf(
      40,
      4,
      () => false,
      (point) => (point % 2 === 1 ? 1 : -1),
    );
    expect(beats.slice(0, 3)).toEqual([0.5, 1.5, 2.5].map((beat) => beat * PERIOD));
  });
});

describe('the tempo', () => {
  it('is that of the regular stretch, whatever comes before and after', () => {
    const period = (60 * ONSET_RATE) / 113.7;
    const regular = Array.from({ length: 50 }, (_, i) => 300 + period * i);
    expect(fitTempo([20, 90, 240, ...regular, 3000, 3130])).toBeCloseTo(113.7, 3);
  });

  it('needs more than a few beats', () => {
    expect(fitTempo([0, 40, 80, 120])).toBeNull();
  });
});
