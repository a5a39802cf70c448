import { describe, expect, it } from 'vitest';
import { analyse } from '../../../../src/pipeline/mir/analyse.ts';
import { beatFMeasure } from '../../../support/agreement.ts';
import { section, song } from '../../../support/songs.ts';
import { times } from './band.ts';

describe('the rhythm of a song', () => {
  it.each([
    { bpm: 58, meter: 4 },
    { bpm: 97.3, meter: 4 },
    { bpm: 150, meter: 4 },
    { bpm: 110, meter: 3 },
  ] as const)('at $bpm bpm in $meter/4', ({ bpm, meter }) => {
    const { song: audio, truth } = song({ bpm, meter });
    const { tempo, beats, meter: found } = analyse(audio);
    expect(tempo?.bpm).toBeCloseTo(bpm, 0);
    expect(found).toMatchObject({ beatsPerBar: meter, count: meter, unit: 4 });
    expect(beatFMeasure(times(truth.beats), times(beats))).toBeGreaterThan(0.95);
    expect(beatFMeasure(times(truth.beats, 1), times(beats, 1))).toBeGreaterThan(0.9);
  });

  it.each([72, 96, 120])('begins with the first beat, at %i bpm', (bpm) => {
    const { song: audio, truth } = song({ bpm });
    const { beats } = analyse(audio);
    expect(beats[0].time).toBeCloseTo(truth.beats[0].time, 1);
    expect(beats[0].position).toBe(1);
  });

  it('places beats within 15 ms', () => {
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
