import { describe, expect, it } from 'vitest';
import {
  type Costs,
  firstComeFirstServed,
  mean,
  type Order,
  PLAIN_ORDER,
  simulate,
  WORKER_ORDER,
} from '../../bench/simulation.ts';

const COSTS: Costs = {
  download: 2,
  parts: [30, 30],
  analyze: 10,
  publish: 1,
  decode: 2,
  bytesRead: 1e6,
  bytesWritten: 1e8,
  blocks: 100,
};
/** An activity lies half a second in its queue: before the download, and before the work. */
const QUEUED = 1;
const seconds = (instances: number, songs: number) => simulate(COSTS, { instances, songs }).seconds;

describe('the simulation of many instances', () => {
  it('adds up all of a song on one instance, which decodes it once', () => {
    expect(seconds(1, 1)).toBeCloseTo(QUEUED + 2 + 30 + 30 + 10 + 1);
  });

  it('queues the late stages where they are not done by the last part', () => {
    const order: Order = { ...WORKER_ORDER, late: 'queued' };
    expect(simulate(COSTS, { instances: 1, songs: 1, order }).seconds).toBeCloseTo(seconds(1, 1) + 0.5);
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

/** Songs of half a minute and of three with `spectral`, and of three minutes with a network as large as HTDemucs. */
const KINDS: readonly (readonly [string, Costs])[] = [
  ['short songs', { ...COSTS, download: 0.4, parts: [2.5], analyze: 0.6, publish: 0.4, decode: 0.4 }],
  [
    'songs of three minutes',
    { ...COSTS, download: 0.5, parts: [7.5, 7.5], analyze: 0.9, publish: 0.7, decode: 0.5 },
  ],
  [
    'songs with a network',
    { ...COSTS, download: 0.5, parts: [24, 24], analyze: 0.9, publish: 0.8, decode: 0.5 },
  ],
];

describe.each(KINDS)('25 %s at once', (_, costs) => {
  const songs = new Array<Costs>(25).fill(costs);
  const alone = (instances: number) => simulate(costs, { instances, songs: 1 }).seconds;

  it.each([1, 2, 5, 20, 50, 100])(
    'on %d instances: the first result comes within twice the time of one alone',
    (instances) => {
      const first = Math.min(...simulate(songs, { instances }).ended);
      expect(first).toBeLessThan(2 * alone(instances));
    },
  );

  it.each([1, 2, 5, 20, 50, 100])(
    'on %d instances: the mean is within 1.25 of first come, first served',
    (instances) => {
      const { ended } = simulate(songs, { instances });
      expect(mean(ended)).toBeLessThan(1.25 * mean(firstComeFirstServed(songs, instances)));
    },
  );

  it('the first result would come late if the late stages were queued by themselves', () => {
    const first = Math.min(...simulate(songs, { instances: 2, order: PLAIN_ORDER }).ended);
    expect(first).toBeGreaterThan(2 * alone(2));
  });
});

it('the first of 25 short songs would come late if downloads did not make way', () => {
  const [[, costs]] = KINDS;
  const songs = new Array<Costs>(25).fill(costs);
  // As in the embedded host, where nothing is polled for.
  const first = (downloadsMakeWay: boolean) =>
    Math.min(
      ...simulate(songs, { instances: 2, order: { ...WORKER_ORDER, downloadsMakeWay }, pollSeconds: 0 })
        .ended,
    );
  const alone = simulate(costs, { instances: 2, songs: 1, pollSeconds: 0 }).seconds;
  expect(first(false)).toBeGreaterThan(2 * alone);
  expect(first(true)).toBeLessThan(1.3 * alone);
});

it('one long song beside many short ones is not starved, and does not starve them', () => {
  const [[, short]] = KINDS;
  const long: Costs = {
    ...COSTS,
    download: 5,
    parts: new Array(30).fill(7.5),
    analyze: 18,
    publish: 10,
    decode: 5,
  };
  const songs = [...new Array<Costs>(5).fill(short), long, ...new Array<Costs>(40).fill(short)];
  const { ended, seconds } = simulate(songs, { instances: 2 });
  // Half of the instances is its fair share while others wait.
  const alone = simulate(long, { instances: 1, songs: 1 }).seconds;
  expect(ended[5]).toBeLessThan(Math.max(alone, seconds) + 1);
  expect(mean(ended)).toBeLessThan(1.25 * mean(firstComeFirstServed(songs, 2)));
});
