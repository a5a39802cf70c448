import { expect, it } from 'vitest';
import { separationParts } from '../../../src/pipeline/stages/separate.ts';

const plan = { model: 'spectral', requested: 'spectral', stems: [], stride_frames: 1, run: 'r' };

it.each([
  [1, 12, [[0, 1]]],
  [12, 12, [[0, 12]]],
  [
    13,
    12,
    [
      [0, 12],
      [12, 13],
    ],
  ],
  [
    5,
    2,
    [
      [0, 2],
      [2, 4],
      [4, 5],
    ],
  ],
])('%d segments in parts of %d cover the song once', (segments, part_segments, parts) => {
  expect(separationParts({ ...plan, segments, part_segments }).map(({ first, end }) => [first, end])).toEqual(
    parts,
  );
});
