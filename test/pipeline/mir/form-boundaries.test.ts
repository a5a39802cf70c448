import { describe, expect, it } from 'vitest';
import { barEdges, hasBars } from '../../../src/pipeline/mir/form/bar-lines.ts';
import { segment } from '../../../src/pipeline/mir/form/boundaries.ts';

const odds = (bars: number, low: number, high: Record<number, number>) =>
  Float64Array.from({ length: bars }, (_, b) => high[b] ?? low);

describe('the division into sections', () => {
  it('takes the bars that stand out', () => {
    const { starts, probability } = segment(odds(40, -5, { 8: 3, 16: 2, 32: 3 }));
    expect(starts).toEqual([0, 8, 16, 32]);
    expect(probability[8]).toBeGreaterThan(0.95);
    expect(probability[9]).toBeLessThan(0.05);
  });

  it('prefers lengths that music counts in', () => {
    expect(segment(odds(32, -6, { 15: 0.2, 16: 0 })).starts).toEqual([0, 16]);
  });

  it('lets clear evidence overrule them', () => {
    expect(segment(odds(32, -6, { 13: 4, 22: 4 })).starts).toEqual([0, 13, 22]);
  });

  it('has one section where nothing stands out, however long the song is', () => {
    for (const bars of [1, 3, 24, 60]) expect(segment(odds(bars, -8, {})).starts).toEqual([0]);
  });

  it('has as many sections as the evidence', () => {
    const every = (step: number) =>
      Object.fromEntries(Array.from({ length: Math.ceil(96 / step) - 1 }, (_, i) => [(i + 1) * step, 3]));
    for (const step of [4, 8, 12, 16])
      expect(segment(odds(96, -5, every(step))).starts).toHaveLength(96 / step);
  });

  it('divides a song of an hour', () => {
    const { starts } = segment(Float64Array.from({ length: 2000 }, (_, b) => (b % 16 === 0 ? 2 : -5)));
    expect(starts).toHaveLength(125);
  });
});

describe('the bars of the form', () => {
  const beats = Array.from({ length: 40 }, (_, i) => ({
    time: 0.3 + i / 2,
    position: (i % 4) + 1,
    confidence: 1,
  }));

  it('begin on the downbeats, or so many beats later', () => {
    expect(barEdges(beats, 20.3, 0).slice(0, 3)).toEqual([0.3, 2.3, 4.3]);
    expect(barEdges(beats, 20.3, 1).slice(0, 3)).toEqual([0.8, 2.8, 4.8]);
  });

  it('leave out what leads in or rings out, unless it is long', () => {
    expect(barEdges(beats, 20.9, 0).slice(-2)).toEqual([16.3, 18.3]);
    expect(barEdges(beats, 23.3, 0).slice(-2)).toEqual([18.3, 23.3]);
    const late = beats.map((beat) => ({ ...beat, time: beat.time + 4 }));
    expect(barEdges(late, 25, 0).slice(0, 2)).toEqual([0, 4.3]);
  });

  it('are two seconds long where there are no beats', () => {
    expect(barEdges([], 9.5, 0)).toEqual([0, 2, 4, 6, 8]);
    expect(hasBars([])).toBe(false);
  });

  it('count as one by twos or fours where there are very many', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => ({
      time: i / 2,
      position: (i % 4) + 1,
      confidence: 1,
    }));
    const edges = barEdges(many, 10_000, 0);
    expect(edges.length).toBeLessThan(2002);
    expect(edges[2] - edges[1]).toBe(8);
  });
});
