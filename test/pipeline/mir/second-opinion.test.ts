import { expect, it } from 'vitest';
import { PITCH_CLASSES } from '../../../src/pipeline/mir/harmony/chroma.ts';
import { withSecondOpinion } from '../../../src/pipeline/mir/harmony/second-opinion.ts';

/** D major's scale with its triad in front, in every interval of a song. */
const level = (pitchClass: number) => ([2, 6, 9].includes(pitchClass) ? 1 : 0.4);
const treble = Float32Array.from({ length: PITCH_CLASSES }, (_, p) =>
  [2, 4, 6, 7, 9, 11, 1].includes(p) ? level(p) : 0,
);
const CHROMA = new Array(8).fill({ treble, bass: treble, trebleSalience: 1, bassSalience: 1, level: 1 });

it('a key is surer where another method finds the same, and less sure where it finds another', () => {
  const sure = (tonic: string, mode: 'major' | 'minor') =>
    withSecondOpinion({ tonic, mode, confidence: 0.7 }, CHROMA).confidence;
  expect(sure('D', 'major')).toBeGreaterThan(0.7);
  expect(sure('B', 'minor')).toBeLessThan(0.7);
  expect(sure('D', 'minor')).toBeLessThan(0.7);
});
