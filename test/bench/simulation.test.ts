import { describe, expect, it } from 'vitest';
import { simulate } from '../../bench/simulation.ts';

const COSTS = {
  download: 2,
  parts: [30, 30],
  analyze: 10,
  publish: 1,
  decode: 2,
  bytesRead: 1e6,
  bytesWritten: 1e8,
  blocks: 100,
};
/** An activity lies half a second in its queue: before the download, the work and the publication. */
const QUEUED = 1.5;
const seconds = (instances: number, songs: number) => simulate(COSTS, { instances, songs }).seconds;

describe('the simulation of many instances', () => {
  it('adds up all of a song on one instance, which decodes it once', () => {
    expect(seconds(1, 1)).toBeCloseTo(QUEUED + 2 + 30 + 30 + 10 + 1);
  });

  it('has one song work side by side on several, each of which decodes it', () => {
    expect(seconds(3, 1)).toBeCloseTo(QUEUED + 2 + 2 + 30 + 1);
    expect(seconds(50, 1)).toBe(seconds(3, 1));
  });

  it('never does more than its instances can', () => {
    for (const instances of [1, 2, 5, 20]) {
      const work = 40 * (2 + 30 + 30 + 10 + 1);
      expect(seconds(instances, 40)).toBeGreaterThanOrEqual(work / instances);
      expect(seconds(instances, 40)).toBeLessThan((1.4 * work) / instances + 60);
    }
  });
});
