import { describe, expect, it } from 'vitest';
import { SAMPLE_RATE, SongBuffer } from '../../../src/pipeline/audio/song.ts';
import { analyse } from '../../../src/pipeline/mir/analyse.ts';
import { sameTriad, timeAgreement } from '../../support/agreement.ts';
import { section, song } from '../../support/songs.ts';

describe('the harmony of a whole song', () => {
  it.each([
    { key: 'C major', chords: ['C:maj', 'A:min', 'F:maj', 'G:maj', 'C:maj', 'F:maj', 'G:maj', 'C:maj'] },
    {
      key: 'F# minor',
      chords: ['F#:min', 'D:maj', 'B:min', 'C#:maj', 'F#:min', 'B:min', 'C#:maj', 'F#:min'],
    },
  ])('with drums, in $key', async ({ key, chords }) => {
    const { song: audio, truth } = song({ key, sections: [section(chords)] });
    const found = analyse(audio);
    expect(`${found.key?.tonic} ${found.key?.mode}`).toBe(key);
    expect(found.keys).toMatchObject([{ start: 0, end: found.duration }]);
    expect(timeAgreement(truth.chords, found.chords, sameTriad)).toBeGreaterThan(0.9);
  });

  it('changes chords on the beats found', async () => {
    const { song: audio } = song({ bpm: 100 });
    const { beats, chords, duration } = analyse(audio);
    const marks = [0, ...beats.map(({ time }) => time), duration];
    const offBeat = chords.filter(({ start }) => !marks.some((time) => Math.abs(time - start) < 1e-9));
    // The song's lead-in and its last chord's end may lie where there is no beat.
    expect(offBeat.length).toBeLessThanOrEqual(2);
  });

  it.each([
    ['a low drone', [55]],
    ['a drone', [110]],
    ['a fifth held', [110, 165]],
    ['octaves held', [110, 220, 440]],
  ])('finds neither key nor chords in %s', (_, fundamentals) => {
    const samples = Float32Array.from({ length: 8 * SAMPLE_RATE }, (_, i) => {
      let value = 0;
      for (const hz of fundamentals)
        for (let h = 1; h < 12; h++) value += (0.1 / h) * Math.sin((2 * Math.PI * hz * h * i) / SAMPLE_RATE);
      return value;
    });
    const { key, keys, chords } = analyse(new SongBuffer(samples));
    expect(key).toBeNull();
    expect(keys).toEqual([]);
    expect(chords.map(({ label }) => label)).toEqual(['N']);
  });
});
