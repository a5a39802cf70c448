import { describe, expect, it } from 'vitest';
import { analyse } from '../../../src/pipeline/mir/analyse.ts';
import { findBars } from '../../../src/pipeline/mir/rhythm/bars.ts';
import { trackBeats } from '../../../src/pipeline/mir/rhythm/beats.ts';
import { beatFMeasure } from '../../support/agreement.ts';
import { section, song } from '../../support/songs.ts';

const downbeats = (beats: readonly { time: number; position: number }[]) =>
  beats.filter(({ position }) => position === 1).map(({ time }) => time);
const times = (beats: readonly { time: number }[]) => beats.map(({ time }) => time);

describe('the rhythm of a song', () => {
  it.each([
    { bpm: 76, meter: 4 },
    { bpm: 97.3, meter: 4 },
    { bpm: 128, meter: 4 },
    { bpm: 150, meter: 4 },
    { bpm: 110, meter: 3 },
  ] as const)('at $bpm bpm in $meter/4', async ({ bpm, meter }) => {
    const { song: audio, truth } = song({ bpm, meter });
    const { tempo, beats, meter: found } = analyse(audio);
    expect(tempo?.bpm).toBeCloseTo(bpm, 0);
    expect(found).toBe(meter);
    expect(beatFMeasure(times(truth.beats), times(beats))).toBeGreaterThan(0.95);
    expect(beatFMeasure(downbeats(truth.beats), downbeats(beats))).toBeGreaterThan(0.9);
  });

  it('places beats within 15 ms', async () => {
    const { song: audio, truth } = song({
      sections: [section(['A:min', 'E:min', 'A:min', 'E:min', 'A:min', 'E:min'])],
    });
    const { beats } = analyse(audio);
    const misses = truth.beats.map(({ time }) =>
      Math.min(...beats.map((beat) => Math.abs(beat.time - time))),
    );
    expect(misses.toSorted((a, b) => a - b)[Math.floor(0.9 * misses.length)]).toBeLessThan(0.015);
  });
});

describe('the beat tracker', () => {
  it('goes on through a gap in the onsets and follows a tempo that drifts', () => {
    const rate = 100;
    const truth: number[] = [];
    for (let t = 30, period = 50; t < 3000; t += period, period += 0.1) truth.push(Math.round(t));
    const activation = new Float32Array(3000).fill(0.05);
    truth.forEach((t, i) => {
      if (i < 20 || i > 24) activation[t] = 0.9;
    });
    const { frames } = trackBeats(activation, rate, { slowest: 90, fastest: 150 });
    const found = truth.filter((t) => frames.some((frame) => Math.abs(frame - t) <= 2));
    expect(found.length).toBeGreaterThanOrEqual(truth.length - 1);
  });
});

describe('the bar finder', () => {
  const evidence = (meter: number, beats: number, offset: number) =>
    Array.from({ length: beats }, (_, i) => ((i + offset) % meter === 0 ? 1.5 : -0.5));

  it('tells three from four and finds the phase', () => {
    expect(findBars(evidence(4, 40, 2))).toMatchObject({ meter: 4 });
    expect(findBars(evidence(4, 40, 2)).positions.slice(0, 4)).toEqual([3, 4, 1, 2]);
    expect(findBars(evidence(3, 40, 1))).toMatchObject({ meter: 3 });
  });

  it('comes back in step after a bar that is cut short', () => {
    const { positions } = findBars([...evidence(4, 18, 0), ...evidence(4, 40, 0)]);
    expect(positions.flatMap((position, i) => (position === 1 ? [i] : [])).slice(3, 7)).toEqual([
      12, 16, 18, 22,
    ]);
  });

  it('has nothing to say of no beats', () => {
    expect(findBars([]).positions).toEqual([]);
  });
});
