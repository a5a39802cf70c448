import { describe, expect, it } from 'vitest';
import type { Song } from '../../../src/pipeline/audio/song.ts';
import { lowBand } from '../../../src/pipeline/mir/features/low-band.ts';
import { estimateTuning } from '../../../src/pipeline/mir/features/tuning.ts';
import { sameTriad, timeAgreement } from '../../support/agreement.ts';
import { playChords, transposed } from '../../support/chords.ts';
import { harmonyOf } from '../../support/harmony.ts';

const CADENCE = ['C:maj', 'A:min', 'D:min7', 'G:7', 'C:maj', 'F:maj', 'G:maj', 'C:maj'];
const tuningOf = (song: Song) => estimateTuning(lowBand(song));
const cents = (hz: number) => 1200 * Math.log2(hz / 440);

describe('the tuning of a song', () => {
  it.each([428.5, 432, 440, 446, 452])('A4 = %s Hz, within a cent', (a4) => {
    const { song, truth } = playChords(CADENCE, { a4 });
    const tuning = tuningOf(song);
    expect(Math.abs((tuning?.cents ?? 100) - cents(a4))).toBeLessThan(1);
    expect(cents(tuning?.frequency ?? 0)).toBeCloseTo(tuning?.cents ?? 0, 6);
    const { chords } = harmonyOf(song, { a4: tuning?.frequency });
    expect(timeAgreement(truth, chords, sameTriad)).toBeGreaterThan(0.9);
  });

  it.each([
    { a4: 415, semitones: -1 },
    { a4: 427, semitones: -1 },
    { a4: 466, semitones: 1 },
  ])('A4 = $a4 Hz reads as the tuning nearest to 440, and the song a semitone away', ({ a4, semitones }) => {
    const { song, truth } = playChords(CADENCE, { a4 });
    const tuning = tuningOf(song);
    expect(Math.abs((tuning?.cents ?? 100) - (cents(a4) - 100 * semitones))).toBeLessThan(1);
    const { chords } = harmonyOf(song, { a4: tuning?.frequency });
    const heard = truth.map(({ label, ...span }) => ({ ...span, label: transposed(label, semitones) }));
    expect(timeAgreement(heard, chords, sameTriad)).toBeGreaterThan(0.9);
  });

  it('does not change with the gain', () => {
    const at = (gain: number) => tuningOf(playChords(CADENCE, { a4: 434, gain }).song)?.cents;
    expect(at(0.1)).toBeCloseTo(at(1) ?? 0, 1);
  });
});
