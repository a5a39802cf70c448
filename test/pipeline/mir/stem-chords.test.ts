import { describe, expect, it } from 'vitest';
import { renderSong } from '../../../scripts/synth/song.ts';
import { type Song, SongBuffer } from '../../../src/pipeline/audio/song.ts';
import { analyse } from '../../../src/pipeline/mir/analyse.ts';
import { chordsOfStems } from '../../../src/pipeline/mir/stem-chords.ts';
import { sameTriad, timeAgreement } from '../../support/agreement.ts';
import { section, song } from '../../support/songs.ts';

/** Times its part in the mix. */
const LOUD = 4;

describe('chords of the accompaniment', () => {
  it('ignore a loud melody of tones beside the chords', () => {
    const chords = ['C:maj', 'F:maj', 'C:maj', 'G:maj', 'C:maj', 'F:maj', 'G:maj', 'C:maj'];
    // The sixth of each chord, held: together with it C major has the tones of A minor 7.
    const melody = chords.map((chord) => [{ C: 5, F: 1, G: 2 }[chord[0]]!]);
    const { stems, truth } = renderSong({
      bpm: 120,
      meter: 4,
      key: 'C major',
      tuning: 440,
      leadIn: 0.3,
      sections: [section(chords, { bass: false, melody })],
    });
    const sum = (loudness: Partial<Record<keyof typeof stems, number>>): Song => {
      const channel = (side: 'left' | 'right') =>
        stems.other[side].map((_, i) =>
          Object.entries(loudness).reduce(
            (total, [stem, factor]) => total + factor * stems[stem as keyof typeof stems][side][i],
            0,
          ),
        );
      return new SongBuffer(channel('left'), channel('right'));
    };
    const analysis = analyse(sum({ vocals: LOUD, drums: 1, bass: 1, other: 1 }));
    const found = chordsOfStems(sum({ bass: 1, other: 1 }), analysis)!;
    const rightInMix = timeAgreement(truth.chords, analysis.chords, sameTriad);
    expect(timeAgreement(truth.chords, found, sameTriad)).toBeGreaterThan(0.9);
    expect(rightInMix).toBeLessThan(0.8);
  });

  it('are those of the analysis, with the same confidences, where the accompaniment is the whole mix', () => {
    const { song: mix } = song();
    const analysis = analyse(mix);
    expect(chordsOfStems(mix, analysis)).toEqual(analysis.chords);
  });

  it('are left to the mix where nobody accompanies, or the song has no key', () => {
    const { song: mix } = song();
    const analysis = analyse(mix);
    const silence = new SongBuffer(new Float32Array(mix.frames));
    expect(chordsOfStems(silence, analysis)).toBeNull();
    expect(chordsOfStems(mix, { ...analysis, keys: [] })).toBeNull();
    expect(chordsOfStems(mix, { ...analysis, tuning: null })).toBeNull();
  });
});
