import { describe, expect, it } from 'vitest';
import { analyse } from '../../../src/pipeline/mir/analyse.ts';
import { scaleOf } from '../../../src/pipeline/mir/harmony/key.ts';
import { sameTriad, timeAgreement } from '../../support/agreement.ts';
import { section, song } from '../../support/songs.ts';

describe('the harmony of a song', () => {
  it.each([
    { key: 'C major', chords: ['C:maj', 'A:min', 'F:maj', 'G:maj', 'C:maj', 'F:maj', 'G:maj', 'C:maj'] },
    {
      key: 'Eb major',
      chords: ['Eb:maj', 'C:min', 'Ab:maj', 'Bb:maj', 'Eb:maj', 'Ab:maj', 'Bb:maj', 'Eb:maj'],
    },
    {
      key: 'F# minor',
      chords: ['F#:min', 'D:maj', 'B:min', 'C#:maj', 'F#:min', 'B:min', 'C#:maj', 'F#:min'],
    },
  ])('in $key', async ({ key, chords }) => {
    const { song: audio, truth } = song({ key, sections: [section(chords)] });
    const found = analyse(audio);
    expect(`${found.key?.tonic} ${found.key?.mode}`).toBe(key);
    expect(timeAgreement(truth.chords, found.chords, sameTriad)).toBeGreaterThan(0.9);
  });

  it('tells sevenths from triads', async () => {
    const chords = ['D:min7', 'G:7', 'C:maj7', 'C:maj7', 'D:min7', 'G:7', 'C:maj7', 'C:maj7'];
    const { song: audio, truth } = song({ sections: [section(chords)] });
    const found = analyse(audio);
    expect(timeAgreement(truth.chords, found.chords, sameTriad)).toBeGreaterThan(0.9);
    expect(found.chords.map(({ label }) => label)).toEqual(expect.arrayContaining(['G:7', 'C:maj7']));
  });

  it.each([428.5, 432, 440, 446])('tuned to A4 = %s Hz', async (tuning) => {
    const { song: audio, truth } = song({ tuning });
    const found = analyse(audio);
    expect(found.tuning?.frequency).toBeGreaterThan(tuning - 0.8);
    expect(found.tuning?.frequency).toBeLessThan(tuning + 0.8);
    expect(timeAgreement(truth.chords, found.chords, sameTriad)).toBeGreaterThan(0.9);
  });

  it('knows the notes of a key', () => {
    expect(scaleOf({ tonic: 'D', mode: 'major' }).sort((a, b) => a - b)).toEqual([1, 2, 4, 6, 7, 9, 11]);
  });
});
