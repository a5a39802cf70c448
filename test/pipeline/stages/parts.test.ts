import { expect, it } from 'vitest';
import { separationParts } from '../../../src/pipeline/stages/separate.ts';

it.each([
  [1, 12, [[0, 1]]],
  [12, 12, [[0, 12]]],
  [
    13,
    12,
    [
      [0, 7],
      [7, 13],
    ],
  ],
  [
    5,
    2,
    [
      [0, 2],
      [2, 3],
      [3, 5],
    ],
  ],
])('%d segments in parts of at most %d cover the song once, evenly', (segments, part_segments, ranges) => {
  const parts = separationParts({ passes: [['drums', 'bass']], segments, part_segments });
  expect(parts.map(({ first, end }) => [first, end])).toEqual(ranges);
});

it('every pass goes through the whole song', () => {
  const passes = [['drums'], ['bass']];
  expect(separationParts({ passes, segments: 3, part_segments: 2 })).toEqual([
    { pass: 0, first: 0, end: 2 },
    { pass: 0, first: 2, end: 3 },
    { pass: 1, first: 0, end: 2 },
    { pass: 1, first: 2, end: 3 },
  ]);
});
